// What the collector works on, in memory.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import type { Position } from '../../../formats/lines.ts';
import { type Collected, type CollectorSettings, collect } from '../../../lambdas/collector/collect.ts';
import {
  type AccessLog,
  type BatchRecord,
  type CollectorPorts,
  type LogObject,
  ObjectGone,
  type Progress,
} from '../../../lambdas/collector/ports.ts';

const LOG: AccessLog = {
  bucket: 'logs',
  prefix: 'web/',
  format: 'auto',
  metric: 'view',
  filter: '',
  entity: '',
  logFormat: '',
};
export const WINDOW_MS = 600_000;

/** Objects, a ledger and a stream in memory, which fail when a test says so. */
export class World {
  readonly objects = new Map<string, Buffer>();
  readonly items = new Map<string, string>();
  readonly reported: { key: string; reason: string; countedUpTo: Pick<Position, 'offset' | 'lines'> }[] = [];
  /** Events by batch key and place; the aggregator drops repeats within its window. */
  readonly counted = new Map<
    string,
    { metric: string; entity: string; at: number | string; putMs: number }
  >();
  /** Repeats after the window. */
  twice = 0;
  runs = 0;
  nowMs = Date.parse('2026-11-03T00:00:00Z');
  puts = 0;
  opens = 0;
  chunkBytes = 64 * 1024;
  onOpen: () => Promise<void> = async () => {};
  onPause: () => Promise<void> = async () => {};
  onReport: () => void = () => {};
  onPut: (records: readonly BatchRecord[]) => 'take' | 'refuse some' | 'die before' | 'die after' = () =>
    'take';

  put(key: string, bytes: Buffer | string): LogObject {
    const buffer = Buffer.from(bytes as string);
    this.objects.set(key, buffer);
    return {
      bucket: 'logs',
      key,
      bytes: buffer.length,
      etag: createHash('md5').update(buffer).digest('hex'),
    };
  }

  readonly ports: CollectorPorts = {
    objects: {
      open: async ({ key, etag }, offset, most) => {
        this.opens += 1;
        await this.onOpen();
        const bytes = this.objects.get(key);
        if (bytes === undefined || createHash('md5').update(bytes).digest('hex') !== etag)
          throw new ObjectGone(`${key} is gone`);
        const { chunkBytes } = this;
        return (async function* () {
          const end = Math.min(bytes.length, offset + (most ?? bytes.length));
          for (let at = offset; at < end; at += chunkBytes)
            yield bytes.subarray(at, Math.min(end, at + chunkBytes));
        })();
      },
    },
    progress: {
      read: async ({ key, etag }) => {
        const item = this.items.get(`${key} ${etag}`);
        return item === undefined ? undefined : (JSON.parse(item) as Progress);
      },
      save: async ({ key, etag }, progress, last) => {
        const before = await this.ports.progress.read({ bucket: 'logs', key, etag, bytes: 0 });
        const same = (one: Progress) =>
          before?.run === one.run &&
          before?.status === one.status &&
          before.cursor.offset === one.cursor.offset;
        if (!(last.run === undefined ? before === undefined : same(last)) && !same(progress)) return false;
        this.items.set(`${key} ${etag}`, JSON.stringify(progress));
        return true;
      },
    },
    stream: {
      put: async (records) => {
        this.puts += 1;
        const what = this.onPut(records);
        if (what === 'die before') throw new Error('died');
        const taken = what === 'refuse some' ? records.filter((_, i) => i % 2 === 0) : records;
        for (const { key, data } of taken) {
          const [version, name, events] = JSON.parse(data);
          assert.deepEqual([version, name], [1, key]);
          assert.ok(events.length <= 500 && data.length < 1_000_000 && key.length <= 128);
          for (const [place, event] of events.entries()) {
            const first = this.counted.get(`${key}#${place}`);
            if (first === undefined) this.counted.set(`${key}#${place}`, { ...event, putMs: this.nowMs });
            else if (this.nowMs - first.putMs > WINDOW_MS) this.twice += 1;
          }
        }
        if (what === 'die after') throw new Error('died');
        return records.filter((record) => !taken.includes(record));
      },
    },
    report: async ({ key }, reason, { offset, lines }) => {
      this.reported.push({ key, reason, countedUpTo: { offset, lines } });
      this.onReport();
    },
    run: '',
    nowMs: () => this.nowMs,
    pause: async (ms) => {
      this.nowMs += ms;
      await this.onPause();
    },
  };

  /** Of the only object. */
  get progress(): Progress {
    return JSON.parse([...this.items.values()][0] ?? '{}') as Progress;
  }

  collect(object: LogObject, log: Partial<AccessLog> = {}, hasTime = () => true): Promise<Collected> {
    const settings: CollectorSettings = { accessLogs: [{ ...LOG, ...log }], dedupWindowMs: WINDOW_MS };
    this.runs += 1;
    return collect(object, { ...this.ports, run: `run ${this.runs}` }, settings, hasTime);
  }

  /** Collects in as many runs as it takes. @returns their number */
  async collectAll(object: LogObject, hasTime: (run: number) => () => boolean): Promise<number> {
    let run = 0;
    for (let outcome = 'more'; outcome === 'more'; run += 1)
      ({ outcome } = await this.collect(object, {}, hasTime(run)));
    return run;
  }

  /** Collects in a run that dies at its first batch: after it is taken, or before. */
  async collectDying(object: LogObject, when: 'die before' | 'die after' = 'die after'): Promise<void> {
    this.onPut = () => when;
    await assert.rejects(this.collect(object), /died/);
    this.onPut = () => 'take';
  }
}

/** A world with one object. */
export function worldWith(bytes: Buffer | string, key = 'web/a.log') {
  const world = new World();
  return { world, object: world.put(key, bytes) };
}

/** Time for a number of clock reads. */
export function after(looks: number): () => boolean {
  let left = looks;
  return () => {
    left -= 1;
    return left > 0;
  };
}
