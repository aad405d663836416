// Counts everything again into a second pair of tables, with the aggregator's use case and compaction.
import { type AggregatorPorts, aggregate } from '../../lambdas/aggregator/aggregate.ts';
import { SILENT } from '../../lambdas/aggregator/segment-listener.ts';
import { DedupWindows } from '../../lambdas/aggregator/windows.ts';
import { lastEntered } from '../../lambdas/core/checkpoint.ts';
import type { Deletion } from '../../lambdas/core/deletions.ts';
import {
  compareSequenceNumbers,
  type SequenceNumber,
  type ShardId,
  type ShardKey,
  segmentId,
  shardIdOf,
  shardKey,
} from '../../lambdas/core/identifiers.ts';
import { decodeRollupMessage } from '../../lambdas/core/rollup-message.ts';
import type { Head, StreamRecord } from '../../lambdas/core/segment.ts';
import type { SegmentEntry } from '../../lambdas/core/segment-entry.ts';
import type { CheckpointLedger, RollupQueue, ShardDirectory, StreamLog } from '../../lambdas/ports.ts';
import type { RawHistory, SegmentSource } from '../../lambdas/raw-ports.ts';
import type { RecountProgress } from '../../lambdas/recount/ports.ts';
import { UsageError } from '../shared/errors.ts';
import type { StackAccess } from '../shared/stack-access.ts';
import { clock, compactNow, openStore, type StoreAccess } from '../shared/store-access.ts';
import { archiveHistory, generationOf, type History, ledgerHistory, shardsOf } from './history.ts';
import { createTable } from './tables.ts';

/** The archive, which has everything needed: raw records, and later deletions. */
export interface ArchiveAlone {
  readonly archive: RawHistory;
  deletions(): AsyncIterable<Deletion>;
}

/**
 * Counts a stack's records into tables named after the generation, creating them if necessary. Can be killed and resumed.
 * @returns the tables, the records of their segments, and what could not be counted again, one line each
 */
export async function rebuildInto(
  generation: string,
  stack: StackAccess,
  own: StoreAccess,
  source: SegmentSource | ArchiveAlone,
  onProgress: (progress: RecountProgress) => void,
) {
  const { countsTable, ledgerTable } = stack.resources;
  const known = await shardsOf(own.ledger);
  if (known.some((shard) => generationOf(shard) === generation))
    throw new UsageError(`Generation ${generation} already exists: choose another name.`);
  const isArchive = 'archive' in source;
  if (known.length === 0 && !isArchive)
    throw new UsageError('The ledger knows no segments: use --source archive.');
  const history = await (isArchive
    ? archiveHistory(source.archive, own.ledger)
    : ledgerHistory(own.ledger, source));
  const tables = {
    counts: await createTable(stack.dynamoDb, `${countsTable}-${generation}`, countsTable),
    ledger: await createTable(stack.dynamoDb, `${ledgerTable}-${generation}`, ledgerTable),
  };
  const { ledger } = openStore(stack, tables);
  const access = openStore(stack, tables, { generation, stream: directoryOf(ledger) });
  if (known.length > 0) {
    const { deletions } = await own.state.readState();
    await copyDeletions(await own.state.readDeletions(deletions), access);
  }
  if (isArchive) await copyDeletions(source.deletions(), access);
  const left = await play(generation, history, access, onProgress);
  await compactNow(access, Number.POSITIVE_INFINITY);
  return { access, source: replayedSource(history), left };
}

/** Registers deletions, so that the rebuilt tables exclude the same rows. */
export async function copyDeletions(
  deletions: Iterable<Deletion> | AsyncIterable<Deletion>,
  { state }: Pick<StoreAccess, 'state'>,
): Promise<void> {
  for await (const deletion of deletions) {
    const there = await state.readDeletions((await state.readState()).deletions);
    const { entityHash, throughMs } = deletion;
    const at = there.findIndex((one) => one.entityHash === entityHash && one.throughMs >= throughMs);
    // None of it is in blocks yet. A rebuild that was killed may have registered it without this second step.
    await state.finishDeletion(at < 0 ? await state.registerDeletion(deletion) : at + 1);
  }
}

/** Replays every segment. @returns what could not be replayed */
export async function play(
  generation: string,
  { shards, missing }: History,
  to: Pick<StoreAccess, 'ledger' | 'store' | 'state'>,
  onProgress: (progress: RecountProgress) => void,
): Promise<string[]> {
  const of = shards.reduce((sum, { segments }) => sum + segments, 0);
  const ports = aggregatorPorts(to, shards);
  const left = [...missing];
  const inherited = await inheritedIn(generation, shards, to.ledger);
  const begun = new Set<ShardId>();
  let done = 0;
  for (const past of shards) {
    const shard = shardIdOf(past.key);
    const key = shardKey(generation, shard);
    const reached = await to.ledger.readHead(key);
    const isCounted = countedUpTo(to.ledger, key, reached);
    if (reached && begun.has(shard) && (await hasOtherAncestors(generation, past, reached, to.ledger)))
      left.push(`ids that were repeated after the reshard before shard ${past.key} may count twice`);
    begun.add(shard);
    for await (const segment of past.read()) {
      onProgress({ phase: 'rebuild', done: ++done, of });
      if (segment.last !== undefined && (await isCounted(segment.last))) continue;
      const found = await segment.read();
      const leave = (why: string) =>
        left.push(`segment ${segmentId(past.key, segment.segment)} was not counted again: ${why}`);
      if (typeof found === 'string') {
        leave(found);
        continue;
      }
      const { records, config } = found;
      const last = records.at(-1);
      if (last === undefined) {
        leave('it has no records');
        continue;
      }
      const isOlder = reached !== undefined && isPlayed(last.sequenceNumber, reached);
      if (isOlder || inherited.has(past.key)) {
        if (isOlder && last.arrivalMs > reached.runMaxMs)
          leave('its sequence numbers belong to another stream');
        else if (!(await isCounted(last.sequenceNumber)))
          leave('later ones were counted before it could be read: use another name');
        continue;
      }
      // An archive trims nothing unread, however old it is.
      const settings = { generation, rollup: config, streamRetentionMs: Number.POSITIVE_INFINITY };
      await aggregate({ shard, records }, ports, settings, () => true);
    }
  }
  return left;
}

/** The shards whose descendants a run before this one has begun: without the ids of what is counted only now. */
async function inheritedIn(
  generation: string,
  shards: History['shards'],
  ledger: CheckpointLedger,
): Promise<ReadonlySet<ShardKey>> {
  const inherited = new Set<ShardKey>();
  for (const { key, ancestors, first } of shards) {
    const id = shardIdOf(key);
    const head = await ledger.readHead(shardKey(generation, id));
    // A shard of an earlier stream may have the same id.
    const isBegun = first === undefined || (head && compareSequenceNumbers(head.last, first) >= 0);
    if (head === undefined || !isBegun) continue;
    for (const ancestor of ancestors) if (shardIdOf(ancestor) !== id) inherited.add(ancestor);
  }
  return inherited;
}

/**
 * Whether a shard goes on where one of an earlier stream with the same id had begun, whose ancestors ended before those of this
 * one: the rebuilt shard has one head, and compares ids with the former only.
 */
async function hasOtherAncestors(
  generation: string,
  { key, ancestors }: History['shards'][number],
  reached: Head,
  ledger: CheckpointLedger,
): Promise<boolean> {
  for (const id of ancestors.map(shardIdOf).filter((one) => one !== shardIdOf(key))) {
    const known = reached.ancestors.find(({ shard }) => shardIdOf(shard) === id);
    const head = await ledger.readHead(shardKey(generation, id));
    if (lastEntered(head) > (known?.segment ?? 0)) return true;
  }
  return false;
}

function isPlayed(last: SequenceNumber, head: Head): boolean {
  const order = compareSequenceNumbers(last, head.status === 'sent' ? head.last : head.first);
  return head.status === 'sent' ? order <= 0 : order < 0;
}

/**
 * Whether an entry of the rebuilt ledger, up to a head, has a record. The head alone does not say: segments before it may have
 * been left out. Reads forward: to be asked in ascending order.
 */
function countedUpTo(ledger: CheckpointLedger, shard: ShardKey, head: Head | undefined) {
  const entries = ledger.entriesUp(shard, 0, lastEntered(head))[Symbol.asyncIterator]();
  let entry: IteratorResult<SegmentEntry> | undefined;
  return async (record: SequenceNumber): Promise<boolean> => {
    entry ??= await entries.next();
    while (entry.done !== true && compareSequenceNumbers(entry.value.last, record) < 0)
      entry = await entries.next();
    return entry.done !== true && compareSequenceNumbers(entry.value.first, record) <= 0;
  };
}

function aggregatorPorts(
  { ledger, store, state }: Pick<StoreAccess, 'ledger' | 'store' | 'state'>,
  shards: History['shards'],
): AggregatorPorts {
  const queue: RollupQueue = {
    async send(messages) {
      for (const { body, segment, parts } of messages) {
        for (const delta of decodeRollupMessage(body).deltas) await store.putDelta(delta);
        await ledger.acknowledge(segment, parts);
      }
    },
  };
  /** In all generations. */
  const ancestorsOf = (id: ShardId) => {
    const same = shards.filter(({ key }) => shardIdOf(key) === id);
    const ancestors = new Set(same.flatMap((past) => past.ancestors.map(shardIdOf)));
    ancestors.delete(id);
    return [...ancestors];
  };
  const log: StreamLog = {
    // A planned segment is always replayed with all of its records.
    readRange: async () => ({ records: [], trimmed: false }),
    holds: async () => true,
    // Ancestors have already been replayed to their ends.
    async *readToEnd() {},
    parentsOf: async (shard) => ancestorsOf(shard),
    lists: async () => true,
  };
  return {
    ledger,
    log,
    queue,
    // They have been in the archive since they were first rejected.
    rejected: { keepRejected: async () => {} },
    ranges: state,
    windows: new DedupWindows(),
    clock,
    listener: SILENT,
  };
}

/** A directory of the shards in a ledger, as if a stream listed them. */
function directoryOf(ledger: CheckpointLedger): ShardDirectory {
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

/** Reads segments of a rebuilt ledger from the segments they were replayed from. */
export function replayedSource({ shards }: History): SegmentSource {
  return {
    segmentsOf: (rebuilt) => {
      const past = pastRecords(shards.filter(({ key }) => shardIdOf(key) === shardIdOf(rebuilt)));
      const segments = past[Symbol.asyncIterator]();
      return {
        async read({ last }) {
          for (let next = await segments.next(); next.done !== true; next = await segments.next()) {
            const { value: records } = next;
            // A segment that two generations have partly counted is replayed from its second part on.
            if (records.some(({ sequenceNumber }) => sequenceNumber === last)) return records;
          }
          return 'trimmed';
        },
      };
    },
  };
}

async function* pastRecords(shards: History['shards']): AsyncIterable<readonly StreamRecord[]> {
  for (const past of shards) {
    for await (const segment of past.read()) {
      const found = await segment.read();
      if (typeof found === 'object') yield found.records;
    }
  }
}
