// completeThrough: never ahead of the truth, and always reached in the end.
import type { World } from '../world/world.ts';
import { iso } from './ceiling.ts';
import { Lineage } from './lineage.ts';
import type { Rollups } from './rollups.ts';
import { Violation } from './violation.ts';

/** Holds every claim against the records that arrived before it. */
export class Claims {
  readonly #rollups: Rollups;
  readonly #lineage = new Lineage();
  #claimMs = 0;

  constructor(rollups: Rollups) {
    this.#rollups = rollups;
  }

  arrived(shard: string, parents: readonly string[], sequenceNumber: string, arrivalMs: number): void {
    const reachedMs = this.#lineage.arrived(shard, parents, sequenceNumber, arrivalMs);
    if (reachedMs < this.#claimMs)
      throw new Violation(
        'completeThrough is true',
        `${iso(this.#claimMs)} was claimed, and a record came at ${iso(reachedMs)}`,
      );
  }

  /** Checks a claim: every record that arrived before it is in a segment that is counted, or named as lost. */
  raised(throughMs: number, world: World): void {
    this.#claimMs = throughMs;
    for (const { shard, sequenceNumber } of this.#lineage.takeBefore(throughMs))
      this.#check(shard, BigInt(sequenceNumber), throughMs, world);
  }

  #check(shard: string, sequence: bigint, throughMs: number, world: World): void {
    const key = ledgerKeyOf(shard);
    const stored = world.ledger.keys().find((name) => name === key);
    const entries = stored === undefined ? [] : [...world.ledger.of(stored).entries.values()];
    const entry = entries.find(({ first, last }) => sequence >= BigInt(first) && sequence <= BigInt(last));
    const broken = (what: string) =>
      new Violation(
        'completeThrough is true',
        `${iso(throughMs)} was claimed, and record ${sequence} of ${shard} ${what}`,
      );
    if (entry === undefined) {
      const trimmed = world.stream
        .all()
        .some(({ records, trimmed: count }) =>
          records.slice(0, count).some((r) => BigInt(r.sequenceNumber) === sequence),
        );
      if (!trimmed) throw broken('is in no segment');
      return;
    }
    if (entry.lost) return;
    const segment = `${key}.${entry.segment.toString(36)}`;
    const missing = entry.parts.findIndex(
      (_, part) => !this.#rollups.isSettled(segment, part) && !entry.discarded.has(part),
    );
    if (missing !== -1) throw broken(`has rows in part ${segment}/${missing} that are not counted`);
  }
}

/** The ledger's key of a shard of the first generation, put together without the pipeline's help. */
export function ledgerKeyOf(shard: string): string {
  return `1.${Number(shard.slice(shard.indexOf('-') + 1)).toString(36)}`;
}
