// Generations of the stream: each begins at a stated place of every shard, and ends the ones before it.

import { noAccounts } from './accounts.ts';
import { acceptedFromMs } from './boundaries.ts';
import { BEFORE_ALL, compareSequenceNumbers, type SequenceNumber, type ShardKey } from './identifiers.ts';
import { type Ancestor, type Head, ROLLUP_VERSION, type RollupConfig } from './segment.ts';

/**
 * Where a generation begins: `heads`, after the newest record that an earlier generation has of a shard; or an arrival
 * time, epoch milliseconds, for a ledger that does not know what was counted.
 */
export type GenerationStart = 'heads' | number;

/** A generation as the ledger lists it. */
export interface Generation {
  /** 1 to 8 letters or digits: the first part of every shard key. */
  readonly name: string;
  readonly from: GenerationStart;
  /** Epoch milliseconds; 0 when the list was made later than the generation. */
  readonly startedAtMs: number;
}

/** Where reading a shard starts: after a record, at the first record of an arrival time, or (empty) at the oldest. */
export interface LogPlace {
  readonly after?: SequenceNumber;
  /** Epoch milliseconds. */
  readonly fromMs?: number;
}

/** What earlier generations have of a shard. */
export interface ShardBeginning {
  /** Where the shard begins in the generation in force. */
  readonly place: LogPlace;
  /** The newest head of an earlier generation, ended: its ids belong to the shard's dedup window. */
  readonly before: { readonly shard: ShardKey; readonly head: Head } | undefined;
}

/**
 * Where a shard begins in the last of the generations.
 * @param generations oldest first
 * @param headIn the shard's ended head in an earlier generation; undefined when it has no segment there
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

/** The records at and behind a place. Records come in order; of those before a time only the leading ones are left out. */
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

/** A head that takes no further segment. @param head as it was, sent; undefined: the shard has none in this generation */
export function endedHead(head: Head | undefined, config: RollupConfig): Head {
  if (head !== undefined) return { ...head, status: 'ended' };
  return {
    ...{ segment: 0, first: BEFORE_ALL, last: BEFORE_ALL, records: 0, config, version: ROLLUP_VERSION },
    ...{ status: 'ended', ancestors: [], minArrivalMs: 0, runMaxBeforeMs: 0, runMaxMs: 0 },
    totals: noAccounts(),
  };
}

/** A shard as its descendants remember it. */
export function asAncestor(shard: ShardKey, { segment, runMaxMs, config }: Head): Ancestor {
  return { shard, segment, runMaxMs, acceptedFromMs: acceptedFromMs(config, runMaxMs) };
}

/** The generations in a list of shard keys, in the order of their names: for ledgers from before generations were listed. */
export function generationsIn(shards: readonly ShardKey[]): readonly Generation[] {
  const names = new Set(shards.map((shard) => shard.slice(0, shard.indexOf('.'))));
  return [...names]
    .sort((a, b) => a.localeCompare(b, 'en', { numeric: true }))
    .map((name) => ({ name, from: 'heads', startedAtMs: 0 }));
}
