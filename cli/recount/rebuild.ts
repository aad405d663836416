// Counting everything again into a second pair of tables, by the aggregator's use case and compaction.

import { type AggregatorPorts, aggregate } from '../../lambdas/aggregator/aggregate.ts';
import { SILENT } from '../../lambdas/aggregator/segment-listener.ts';
import { DedupWindows } from '../../lambdas/aggregator/windows.ts';
import { lastEntered } from '../../lambdas/core/books.ts';
import {
  compareSequenceNumbers,
  parseShardKey,
  type ShardId,
  type ShardKey,
  segmentId,
  shardIdOf,
  shardKey,
} from '../../lambdas/core/identifiers.ts';
import { decodeRollupMessage } from '../../lambdas/core/rollup-message.ts';
import type { Head } from '../../lambdas/core/segment.ts';
import type { SegmentEntry } from '../../lambdas/core/segment-entry.ts';
import type {
  BooksLedger,
  RollupQueue,
  SegmentLedger,
  ShardDirectory,
  StreamLog,
} from '../../lambdas/ports.ts';
import type { SegmentSource } from '../../lambdas/raw-ports.ts';
import type { RecountProgress } from '../../lambdas/recount/ports.ts';
import { exitCodes, OperatorError } from '../shared/errors.ts';
import type { StackAccess } from '../shared/stack-access.ts';
import { clock, compactNow, openStore, type StoreAccess } from '../shared/store-access.ts';
import { tableLike } from './tables.ts';

/** A rebuilt pair of tables. */
export interface Rebuilt {
  readonly access: StoreAccess;
  /** The records of its segments. */
  readonly replayed: SegmentSource;
  /** What could not be counted again, a line each. */
  readonly left: readonly string[];
}

/** Counts a stack's records into tables named after the generation, which are made if need be. Can be killed and run again. */
export async function rebuildInto(
  generation: string,
  stack: StackAccess,
  own: StoreAccess,
  source: SegmentSource,
  onProgress: (progress: RecountProgress) => void,
): Promise<Rebuilt> {
  const { countsTable, ledgerTable } = stack.resources;
  const shards = await own.ledger.shards();
  if (shards.some((shard) => generationOf(shard) === generation))
    throw new OperatorError(`Generation ${generation} already exists: choose another name.`, exitCodes.usage);
  const tables = {
    counts: await tableLike(stack.dynamoDb, countsTable, `${countsTable}-${generation}`),
    ledger: await tableLike(stack.dynamoDb, ledgerTable, `${ledgerTable}-${generation}`),
  };
  const { ledger } = openStore(stack, tables);
  const access = openStore(stack, tables, { generation, stream: directoryOf(ledger) });
  const left = await play(generation, own.ledger, access, source, onProgress);
  await compactNow(access);
  return { access, replayed: replayedSource(own.ledger, source), left };
}

function generationOf(shard: ShardKey): string {
  return shard.slice(0, shard.indexOf('.'));
}

/** Plays every segment, ancestors before descendants. @returns what could not be played */
export async function play(
  generation: string,
  from: BooksLedger & SegmentLedger,
  to: Pick<StoreAccess, 'ledger' | 'store' | 'state'>,
  source: SegmentSource,
  onProgress: (progress: RecountProgress) => void,
): Promise<string[]> {
  const heads = new Map<ShardKey, Head>();
  for (const shard of await from.shards()) {
    const head = await from.readHead(shard);
    if (head !== undefined) heads.set(shard, head);
  }
  // A descendant has all of its ancestors' ancestors, and the ancestor.
  const inOrder = [...heads].sort(
    ([a, one], [b, other]) => one.ancestors.length - other.ancestors.length || (a < b ? -1 : 1),
  );
  const of = inOrder.reduce((sum, [, head]) => sum + lastEntered(head), 0);
  const ports = aggregatorPorts(to, heads);
  const left: string[] = [];
  let done = 0;
  for (const [key, head] of inOrder) {
    const shard = shardIdOf(key);
    const reader = source.segmentsOf(key);
    const reached = await to.ledger.readHead(shardKey(generation, shard));
    for await (const entry of from.entriesUp(key, 0, lastEntered(head))) {
      onProgress({ phase: 'rebuild', done: ++done, of });
      if (reached !== undefined && isPlayed(entry, reached)) continue;
      const records = entry.lost ? 'lost' : await reader.read(entry);
      if (typeof records === 'string') {
        left.push(`segment ${segmentId(key, entry.segment)} was not counted again: ${records}`);
        continue;
      }
      // An archive trims nothing unread, however old it is.
      const settings = { generation, rollup: entry.config, streamRetentionMs: Number.POSITIVE_INFINITY };
      await aggregate({ shard, records }, ports, settings, () => true);
    }
  }
  return left;
}

function isPlayed({ last }: SegmentEntry, head: Head): boolean {
  const order = compareSequenceNumbers(last, head.status === 'sent' ? head.last : head.first);
  return head.status === 'sent' ? order <= 0 : order < 0;
}

function aggregatorPorts(
  { ledger, store, state }: Pick<StoreAccess, 'ledger' | 'store' | 'state'>,
  heads: ReadonlyMap<ShardKey, Head>,
): AggregatorPorts {
  const queue: RollupQueue = {
    async send(messages) {
      for (const { body, segment, parts } of messages) {
        for (const delta of decodeRollupMessage(body).deltas) await store.putDelta(delta);
        await ledger.acknowledge(segment, parts);
      }
    },
  };
  const ancestors = new Map<ShardId, Set<ShardId>>();
  for (const [key, head] of heads) {
    const own = ancestors.get(shardIdOf(key)) ?? new Set<ShardId>();
    ancestors.set(shardIdOf(key), own);
    for (const { shard } of head.ancestors)
      if (shardIdOf(shard) !== shardIdOf(key)) own.add(shardIdOf(shard));
  }
  const log: StreamLog = {
    // A planned segment is always played again with all of its records.
    readRange: async () => ({ records: [], trimmed: false }),
    // Ancestors have been played to their ends.
    async *readToEnd() {},
    parentsOf: async (shard) => [...(ancestors.get(shard) ?? [])],
    lists: async () => true,
  };
  return {
    ledger,
    log,
    queue,
    // They are in the archive since they were rejected first.
    rejected: { keepRejected: async () => {} },
    ranges: state,
    windows: new DedupWindows(),
    clock,
    listener: SILENT,
  };
}

/** The shards that a ledger knows, as if a stream listed them. */
function directoryOf(ledger: BooksLedger): ShardDirectory {
  return {
    async shards() {
      const keys = await ledger.shards();
      const heads = await Promise.all(keys.map((key) => ledger.readHead(key)));
      return keys.map((key, index) => ({
        shard: shardIdOf(key),
        parents: (heads[index]?.ancestors ?? []).map(({ shard }) => shardIdOf(shard)),
      }));
    },
  };
}

/** Segments of a rebuilt ledger, read as those that they were played from. */
function replayedSource(from: BooksLedger & SegmentLedger, source: SegmentSource): SegmentSource {
  return {
    segmentsOf: (rebuilt) => {
      const entries = entriesOf(shardIdOf(rebuilt), from, source)[Symbol.asyncIterator]();
      return {
        async read({ first }) {
          for (let next = await entries.next(); next.done !== true; next = await entries.next()) {
            if (next.value.entry.first === first) return next.value.read();
          }
          return 'trimmed';
        },
      };
    },
  };
}

async function* entriesOf(shard: ShardId, from: BooksLedger & SegmentLedger, source: SegmentSource) {
  const keys = (await from.shards()).filter((key) => shardIdOf(key) === shard).sort();
  for (const key of keys) {
    const reader = source.segmentsOf(parseShardKey(key));
    for await (const entry of from.entriesUp(key, 0, lastEntered(await from.readHead(key))))
      yield { entry, read: () => reader.read(entry) };
  }
}
