// `completeThrough`: never ahead of the truth, and eventually reached.
import type { ShardKey } from '../../lambdas/core/identifiers.ts';
import type { SegmentEntry } from '../../lambdas/core/segment-entry.ts';
import type { World } from '../simulation/world/world.ts';
import type { Rollups } from './rollups.ts';
import { iso, Violation } from './violation.ts';

interface Watched {
  readonly shard: string;
  readonly sequenceNumber: string;
  /** The record's arrival as the watermark counts it. */
  readonly reachedMs: number;
}

/** Checks every watermark against the records that arrived before it. */
export class WatermarkCheck {
  readonly #rollups: Rollups;
  /** By shard, the running maximum of arrivals in it and its ancestors, since clocks step back. */
  readonly #reachedMs = new Map<string, number>();
  /** Records that no watermark has covered yet. */
  #waiting: Watched[] = [];
  #watermarkMs = 0;

  constructor(rollups: Rollups) {
    this.#rollups = rollups;
  }

  /** @returns the record's arrival as the watermark counts it */
  arrived(shard: string, parents: readonly string[], sequenceNumber: string, arrivalMs: number): number {
    // A child starts where its parents ended.
    const before = this.#reachedMs.has(shard) ? [shard] : parents;
    const reachedMs = Math.max(arrivalMs, ...before.map((known) => this.#reachedMs.get(known) ?? 0));
    this.#reachedMs.set(shard, reachedMs);
    this.#waiting.push({ shard, sequenceNumber, reachedMs });
    if (reachedMs < this.#watermarkMs)
      throw new Violation(
        'completeThrough is true',
        `${iso(this.#watermarkMs)} was published as complete, and a record came at ${iso(reachedMs)}`,
      );
    return reachedMs;
  }

  /** Checks a watermark: every record that arrived before it is in a segment that is counted or reported lost. */
  raised(throughMs: number, world: World): void {
    this.#watermarkMs = throughMs;
    const covered = this.#waiting.filter(({ reachedMs }) => reachedMs < throughMs);
    this.#waiting = this.#waiting.filter(({ reachedMs }) => reachedMs >= throughMs);
    for (const { shard, sequenceNumber } of covered) this.#check(shard, sequenceNumber, throughMs, world);
  }

  #check(shard: string, sequence: string, throughMs: number, world: World): void {
    const found = entryWith(sequence, shard, world);
    const broken = (what: string) =>
      new Violation(
        'completeThrough is true',
        `${iso(throughMs)} was published as complete, and record ${sequence} of ${shard} ${what}`,
      );
    if (found === undefined) {
      const trimmed = world.stream
        .all()
        .some(({ records, trimmed: count }) =>
          records.slice(0, count).some(({ sequenceNumber }) => sequenceNumber === sequence),
        );
      if (!trimmed) throw broken('is in no segment');
      return;
    }
    const { key, entry } = found;
    if (entry.lost) return;
    const segment = `${key}.${entry.segment.toString(36)}`;
    const missing = entry.parts.findIndex(
      (_, part) => !this.#rollups.isStored(segment, part) && !this.#rollups.isDiscarded(segment, part),
    );
    if (missing !== -1) throw broken(`has rows in part ${segment}/${missing}, which is not stored`);
  }
}

/** The segment with a record, in any generation; undefined if there is none. */
function entryWith(
  sequence: string,
  shard: string,
  world: World,
): { readonly key: ShardKey; readonly entry: SegmentEntry } | undefined {
  for (const key of ledgerKeysOf(shard, world)) {
    for (const entry of world.ledger.of(key).entries.values()) {
      if (!isAfter(entry.first, sequence) && !isAfter(sequence, entry.last)) return { key, entry };
    }
  }
  return undefined;
}

/** Whether one sequence number, a decimal number of any length, is greater than another. */
export function isAfter(a: string, b: string): boolean {
  return a.length === b.length ? a > b : a.length > b.length;
}

/** The ledger's keys of a shard, one for each generation, recognised without the pipeline's help. */
export function ledgerKeysOf(shard: string, world: World): readonly ShardKey[] {
  return world.ledger.keys().filter((key) => isKeyOf(key, shard));
}

/** Whether a key of the ledger, `GENERATION.NUMBER`, is of a shard, `shardId-NUMBER`. */
export function isKeyOf(key: string, shard: string): boolean {
  return key.split('.')[1] === Number(shard.slice(shard.indexOf('-') + 1)).toString(36);
}
