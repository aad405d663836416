// A folder, a front door and a clock that jumps instead of waiting: everything an import in this process needs.
import type { ChildProcess } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import type { UncertainPolicy } from '../../../cli/import/deliver.ts';
import { Figures, type Reject } from '../../../cli/import/figures.ts';
import { importFile } from '../../../cli/import/import-file.ts';
import { openSource } from '../../../cli/source/source.ts';
import { TallyClient } from '../../../client/src/index.ts';
import { BATCH_LIMITS } from '../../../formats/batches.ts';
import type { FormatRequest } from '../../../formats/detect.ts';
import type { ReadingPlan } from '../../../formats/plan.ts';
import { FrontDoor } from './front-door.ts';

/** The options of an import that tests change. */
export interface WorldOptions extends FormatRequest {
  readonly metric?: string;
  readonly label?: string;
  readonly service?: string;
  readonly url?: string;
  readonly apiKey?: string;
  readonly state?: string;
  readonly forget?: boolean;
  readonly dryRun?: boolean;
  readonly timeoutMs?: number;
  readonly uncertain?: UncertainPolicy;
  readonly concurrency?: number;
  /** Events of a batch. */
  readonly events?: number;
}

export interface ImportOutcome {
  /** Undefined for an empty file. */
  readonly plan: ReadingPlan | undefined;
  readonly figures: Figures;
  readonly rejects: Reject[];
  readonly notes: string[];
  readonly troubles: string[];
}

export class ImportWorld {
  readonly door: FrontDoor;
  readonly folder: string;
  /** Programs to be killed before the door closes. */
  readonly children: ChildProcess[] = [];
  nowMs = Date.parse('2026-01-01T00:00:00Z');
  /** Stops the running import, as Ctrl-C does; what is under way may end. */
  stop = new AbortController();
  /** Breaks off what is under way, as a second Ctrl-C does. */
  kill = new AbortController();

  private constructor(door: FrontDoor, folder: string) {
    this.door = door;
    this.folder = folder;
  }

  static async open(): Promise<ImportWorld> {
    return new ImportWorld(await FrontDoor.open(), await mkdtemp(join(tmpdir(), 'tally-import-')));
  }

  /** What the door has counted, by `ENTITY MINUTE`. */
  viewsCounted(): Map<string, number> {
    return new Map([...this.door.counts].map(([key, n]) => [key.replace(/^view /, ''), n]));
  }

  async close(): Promise<void> {
    // A failed test may leave requests that would be repeated without end, to whatever listens on the port next.
    this.kill.abort();
    for (const child of this.children) child.kill('SIGKILL');
    await this.door.close();
    await rm(this.folder, { recursive: true, force: true });
  }

  path(name: string): string {
    return join(this.folder, name);
  }

  async write(name: string, content: string | Buffer): Promise<string> {
    await writeFile(this.path(name), content);
    return this.path(name);
  }

  /** A client on this world's clock: its waits jump, its requests have all the time they need. */
  client({
    url = this.door.url,
    apiKey,
    timeoutMs = 30_000,
    concurrency = 4,
  }: WorldOptions = {}): TallyClient {
    const platform = {
      nowMs: () => this.nowMs,
      steadyMs: () => this.nowMs,
      random: () => 0.5,
      setTimer: (run: () => void, delayMs: number) => {
        // Neither what ends a request that is answered at once, nor what gives a batch up: others' waits bring that about.
        const waits = delayMs !== timeoutMs && delayMs < 60_000;
        let cancelled = !waits;
        void setImmediate().then(() => {
          if (cancelled) return;
          this.nowMs += delayMs;
          run();
        });
        return () => {
          cancelled = true;
        };
      },
      warn: () => {},
      exit: undefined,
    };
    return new TallyClient({ url, apiKey, timeoutMs, concurrency, platform });
  }

  /** Imports a file. */
  async import(path: string, options: WorldOptions = {}): Promise<ImportOutcome> {
    const {
      metric = 'view',
      label = '',
      service = this.door.url,
      state,
      forget = false,
      dryRun = false,
    } = options;
    const { timeoutMs = 30_000, uncertain = 'hold', concurrency = 4, events = BATCH_LIMITS.events } = options;
    const rejects: Reject[] = [];
    const notes: string[] = [];
    const troubles: string[] = [];
    const figures = new Figures();
    const ports = {
      sender: this.client(options),
      now: () => this.nowMs,
      stop: this.stop.signal,
      kill: this.kill.signal,
      figures,
      reporter: {
        note: (text: string) => void notes.push(text),
        rejected: (reject: Reject) => void rejects.push(reject),
        trouble: (reason: string) => void troubles.push(reason),
        progress: () => undefined,
      },
    };
    const settings = {
      target: { service, metric, label },
      format: options,
      delivery: { dedupWindowMs: 600_000, timeoutMs, uncertain },
      concurrency,
      stateFolders: { chosen: state, home: this.path('home/tally/import') },
      forget,
      dryRun,
      limits: { ...BATCH_LIMITS, events },
    };
    const read = await importFile(await openSource(path), settings, ports);
    figures.requests = this.door.requests;
    return { plan: read?.plan, figures, rejects, notes, troubles };
  }
}

/** `count` lines of a combined log, every one a view; one second apart, all different. */
export function logLines(count: number, first = 0): string {
  return Array.from({ length: count }, (_, i) => logLine(first + i)).join('');
}

export function logLine(i: number, status = 200): string {
  const time = new Date(Date.parse('2026-01-01T00:00:00Z') + i * 1000).toISOString();
  const at = `01/Jan/2026:${time.slice(11, 19)} +0000`;
  return `10.0.0.1 - - [${at}] "GET /page/${i % 7}?n=${i} HTTP/1.1" ${status} 12 "-" "agent"\n`;
}
