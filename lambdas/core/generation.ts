// Generations of the stream: each begins at a defined place of every shard, and ends the earlier ones.

import { noAccounts } from './accounts.ts';
import { acceptedFromMs } from './boundaries.ts';
import { BEFORE_ALL, compareSequenceNumbers, type SequenceNumber, type ShardKey } from './identifiers.ts';
import { type Ancestor, type Head, ROLLUP_VERSION, type RollupConfig } from './segment.ts';

/**
 * Where a generation begins: `heads`, after the newest record that an earlier generation counted of each shard; or an
 * arrival time, epoch milliseconds, for a ledger that does not know what was counted.
 */
export type GenerationStart = 'heads' | number;

export interface Generation {
  /** 1 to 8 letters or digits: the prefix of every shard key. */
  readonly name: string;
  readonly from: GenerationStart;
  /** Epoch milliseconds; 0 if the list was created after the generation. */
  readonly startedAtMs: number;
}

/** Where reading a shard starts: after a record, at the first record of an arrival time, or, if empty, at the oldest. */
export interface LogPlace {
  readonly after?: SequenceNumber;
  /** Epoch milliseconds. */
  readonly fromMs?: number;
}

/** A shard's beginning in the current generation, and what came before it. */
export interface ShardBeginning {
  /** Where the shard begins in the current generation. */
  readonly place: LogPlace;
  /** The newest head of an earlier generation, ended: its ids belong to the shard's dedup window. */
  readonly before: { readonly shard: ShardKey; readonly head: Head } | undefined;
}

/**
 * Where a shard begins in the newest of the generations.
 * @param generations oldest first
 * @param headIn the shard's ended head in an earlier generation; undefined if it has no segment there
 */
export function shardBeginning(
  generations: readonly Generation[],
  headIn: (generation: string) => ShardBeginning['before'],
): ShardBeginning {
  const earlier = generations.slice(0, -1).reverse();
  const before = earlier.map(({ name }) => headIn(name)).find((found) => found !== undefined);
  for (const [index, { from }] of generations.toReversed().entries()) {
    if (from !== 'heads') return { place: { fromMs: from }, before };
    const known = headIn(earlier[index]?.name ?? '');
    if (known !== undefined) return { place: { after: known.head.last }, before };
  }
  return { place: {}, before };
}

/** The records from a place on. Records are in order; of those before an arrival time, only the leading ones are dropped. */
export function recordsAt<T extends { readonly sequenceNumber: SequenceNumber; readonly arrivalMs: number }>(
  records: readonly T[],
  { after, fromMs }: LogPlace,
): readonly T[] {
  const first = records.findIndex(
    ({ sequenceNumber, arrivalMs }) =>
      (after === undefined || compareSequenceNumbers(sequenceNumber, after) > 0) &&
      (fromMs === undefined || arrivalMs >= fromMs),
  );
  return first === -1 ? [] : records.slice(first);
}

/** A head that takes no further segment. @param head its sent head; undefined: the shard has none in this generation */
export function endedHead(head: Head | undefined, config: RollupConfig): Head {
  if (head !== undefined) return { ...head, status: 'ended' };
  return {
    ...{ segment: 0, first: BEFORE_ALL, last: BEFORE_ALL, records: 0, config, version: ROLLUP_VERSION },
    ...{ status: 'ended', ancestors: [], minArrivalMs: 0, runMaxBeforeMs: 0, runMaxMs: 0 },
    totals: noAccounts(),
  };
}

/** A shard as its descendants record it. */
export function asAncestor(shard: ShardKey, { segment, runMaxMs, config }: Head): Ancestor {
  return { shard, segment, runMaxMs, acceptedFromMs: acceptedFromMs(config, runMaxMs) };
}

/** The generations in a list of shard keys, ordered by name: for ledgers that predate the list of generations. */
export function generationsIn(shards: readonly ShardKey[]): readonly Generation[] {
  const names = new Set(shards.map((shard) => shard.slice(0, shard.indexOf('.'))));
  return [...names]
    .sort((a, b) => a.localeCompare(b, 'en', { numeric: true }))
    .map((name) => ({ name, from: 'heads', startedAtMs: 0 }));
}
