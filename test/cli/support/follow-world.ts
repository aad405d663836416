// A follower in this process: it polls when the test says so, on a clock that otherwise stands still.
import { writeFile } from 'node:fs/promises';
import { beforeEach } from 'node:test';
import PQueue from 'p-queue';
import { FLUSH_MS, type FollowPorts } from '../../../cli/follow/followed-file.ts';
import { followerOf } from '../../../cli/follow/follower.ts';
import { Figures, type Reject } from '../../../cli/import/figures.ts';
import type { ImportSettings } from '../../../cli/import/import-file.ts';
import type { FormatRequest } from '../../../formats/detect.ts';
import { world } from './each-world.ts';
import { type ImportWorld, logLines } from './import-world.ts';

/** The log that the present test follows. */
export let path: string;

beforeEach(() => {
  path = world.path('access.log');
});

/** Another format: each file begins with the same header. */
export const CSV: FormatRequest = { format: 'csv', entity: 'page', time: 'time' };
export const HEADER = 'time,page\n';
export const csv = (count: number, first = 0): string =>
  Array.from({ length: count }, (_, i) => `${1_767_225_600 + first + i},/page/${first + i}\n`).join('');

/** All lines counted so far, each as often as it was stored. */
export const counted = () => [...world.door.stored.values()].reduce((sum, times) => sum + times, 0);

/** Writes the log, and follows it until these lines are delivered. */
export async function followed(lines: number): Promise<FollowRun> {
  await writeFile(path, logLines(lines));
  const run = await FollowRun.start(world, path);
  await run.settle();
  return run;
}

export class FollowRun {
  readonly #world: ImportWorld;
  readonly #follower: ReturnType<typeof followerOf>;
  readonly #ports: FollowPorts;
  readonly figures = new Figures();
  readonly rejects: Reject[] = [];
  readonly notes: string[] = [];
  readonly #stop = new AbortController();
  readonly #kill = new AbortController();

  private constructor(world: ImportWorld, path: string, format: FormatRequest) {
    this.#world = world;
    const concurrency = 2;
    this.#ports = {
      sender: world.client({ concurrency }),
      now: () => world.nowMs,
      stop: this.#stop.signal,
      kill: AbortSignal.any([world.kill.signal, this.#kill.signal]),
      queue: new PQueue({ concurrency }),
      figures: this.figures,
      reporter: {
        note: (text) => void this.notes.push(text),
        rejected: (reject) => void this.rejects.push(reject),
        trouble: () => {},
        progress: () => {},
      },
      fail: (error) => {
        throw error;
      },
    };
    const settings: ImportSettings = {
      target: { service: world.door.url, metric: 'view', label: '' },
      format,
      delivery: { dedupWindowMs: 600_000, timeoutMs: 30_000, uncertain: 'hold' },
      concurrency,
      stateFolders: { chosen: undefined, home: world.path('home/tally/import') },
    };
    this.#follower = followerOf(path, path, settings, this.#ports);
  }

  static async start(world: ImportWorld, path: string, format: FormatRequest = {}): Promise<FollowRun> {
    const run = new FollowRun(world, path, format);
    await run.#follower.start();
    return run;
  }

  /** Follows until everything is delivered, and stops. */
  static async once(world: ImportWorld, path: string, format: FormatRequest = {}): Promise<void> {
    const run = await FollowRun.start(world, path, format);
    await run.finish();
  }

  /** Polls once. */
  step(): Promise<boolean> {
    return this.#follower.step();
  }

  /** Polls until there is nothing more to read, and everything read is delivered. */
  async settle(): Promise<void> {
    for (let quiet = 0; quiet < 3; ) {
      quiet = (await this.step()) ? 0 : quiet + 1;
      await this.#ports.queue.onIdle();
      this.#world.nowMs += FLUSH_MS;
    }
  }

  /** Settles, and stops. */
  async finish(): Promise<void> {
    await this.settle();
    await this.close();
  }

  /** Stops as after a signal, with everything delivered. */
  async close(): Promise<void> {
    this.#stop.abort();
    await this.#follower.close();
  }

  /** Stops with all requests in flight aborted, and nothing more sent. */
  async kill(): Promise<void> {
    this.#kill.abort();
    await this.close();
  }
}
