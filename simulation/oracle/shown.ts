// What counters show, read without the pipeline's help: sums by minute, events by hour.
import type { StoredCounter } from '../world/counters.ts';
import type { WaitingRow } from './rollups.ts';
import { counterName } from './truth.ts';

/** A counter item's sort key `METRIC#H#2026-11-22T05[:15]`, read without the pipeline's help. */
export function readSortKey(sk: string): { metric: string; hourMs: number } {
  const [metric = '', , bucket = ''] = sk.split('#');
  return { metric, hourMs: Date.parse(`${bucket.slice(0, 13)}:00:00Z`) };
}

/** Sums of counter items by counter and minute, and events by counter and hour. */
export class Shown {
  readonly minutes = new Map<string, Map<number, number>>();
  readonly hours = new Map<string, Map<number, number>>();

  /** Adds a row that waits in the archive. */
  addRow({ bucket, metric, entity, events, minutes }: WaitingRow): void {
    const numbers = new Map([['e', events]]);
    let n = 0;
    for (const [minute, sum] of Object.entries(minutes)) {
      numbers.set(`m${minute.padStart(2, '0')}`, sum);
      n += sum;
    }
    const key = { pk: entity, sk: `${metric}#H#${bucket}` };
    this.add({ key, numbers: numbers.set('n', n), applied: new Set() });
  }

  add({ key, numbers }: StoredCounter): void {
    const { metric, hourMs } = readSortKey(key.sk);
    const name = counterName(metric, key.pk);
    for (const [attribute, sum] of numbers) {
      if (/^m\d\d$/.test(attribute))
        plus(this.minutes, name, hourMs + Number(attribute.slice(1)) * 60_000, sum);
      else if (attribute === 'e') plus(this.hours, name, hourMs, sum);
    }
    const total = [...numbers].reduce(
      (sum, [attribute, n]) => (/^m\d\d$/.test(attribute) ? sum + n : sum),
      0,
    );
    if (total !== numbers.get('n'))
      throw new Error(`item ${key.pk} ${key.sk}: n is not the sum of its minutes`);
  }
}

function plus(sums: Map<string, Map<number, number>>, name: string, atMs: number, sum: number): void {
  const inner = sums.get(name) ?? new Map<number, number>();
  inner.set(atMs, (inner.get(atMs) ?? 0) + sum);
  sums.set(name, inner);
}
