// Everything that was counted, in an order in which it can be counted again: from a ledger and a source of records, or from the archive alone.
import { ResourceNotFoundException } from '@aws-sdk/client-dynamodb';
import { lastEntered } from '../../lambdas/core/checkpoint.ts';
import { generationsIn } from '../../lambdas/core/generation.ts';
import {
  parseSegmentId,
  type SequenceNumber,
  type ShardKey,
  segmentId,
} from '../../lambdas/core/identifiers.ts';
import { InvalidRawObject, type RawSegment, streamRecord } from '../../lambdas/core/raw-segment.ts';
import { plannedRecords, type RollupConfig, type StreamRecord } from '../../lambdas/core/segment.ts';
import type { CheckpointLedger, SegmentLedger } from '../../lambdas/ports.ts';
import type { RawHistory, SegmentSource } from '../../lambdas/raw-ports.ts';

/** A segment that was counted before. */
interface PastSegment {
  readonly segment: number;
  /** Its last record; undefined: unknown until it is read. */
  readonly last: SequenceNumber | undefined;
  /** Its records and rollup configuration, or why they are unavailable. */
  read(): Promise<{ readonly records: readonly StreamRecord[]; readonly config: RollupConfig } | string>;
}

/** A shard in one generation. */
interface PastShard {
  readonly key: ShardKey;
  readonly ancestors: readonly ShardKey[];
  /** Its first record; undefined if no segment can be read. */
  readonly first: SequenceNumber | undefined;
  readonly segments: number;
  /** By number, ascending. */
  read(): AsyncIterable<PastSegment>;
}

/** Every counted shard, ancestors before descendants and earlier generations first. */
export interface History {
  readonly shards: readonly PastShard[];
  /** What is known to be missing, one line each. */
  readonly missing: readonly string[];
}

const NOT_ARCHIVED = 'not in the archive';

type OldLedger = CheckpointLedger & SegmentLedger;

/** A ledger's history. @param source where to read the records of its segments */
export async function ledgerHistory(ledger: OldLedger, source: SegmentSource): Promise<History> {
  const shards: PastShard[] = [];
  const missing: string[] = [];
  const keys = await ledger.shards();
  for (const key of keys) {
    const head = await ledger.readHead(key);
    if (head === undefined) continue;
    const through = lastEntered(head);
    let firstRecord: SequenceNumber | undefined;
    const entered = await Array.fromAsync(ledger.entriesUp(key, 0, through), ({ segment, first }) => {
      firstRecord ??= first;
      return segment;
    });
    missing.push(...holesIn(key, [...entered, through + 1], 'not in the ledger any more'));
    shards.push({
      key,
      ancestors: head.ancestors.map(({ shard }) => shard),
      first: firstRecord,
      segments: entered.length,
      async *read() {
        const reader = source.segmentsOf(key);
        for await (const entry of ledger.entriesUp(key, 0, through)) {
          yield {
            segment: entry.segment,
            last: entry.last,
            async read() {
              const found = entry.lost ? 'lost' : await reader.read(entry);
              if (typeof found === 'string') return found;
              // A reader returns what is left of a segment.
              const records = plannedRecords(entry, found);
              return records === undefined ? 'trimmed' : { records, config: entry.config };
            },
          };
        }
      },
    });
  }
  const listed = await ledger.readGenerations();
  const generations = (listed.length > 0 ? listed : generationsIn(keys)).map(({ name }) => name);
  return { shards: inOrder(shards, generations), missing };
}

/**
 * The history in the archive of raw records, without a ledger.
 * @param ledger reports what the archive lacks, if it still exists
 */
export async function archiveHistory(archive: RawHistory, ledger: OldLedger): Promise<History> {
  const places = await Array.fromAsync(archive.places(), ({ segment, hourMs }) => ({
    ...parseSegmentId(segment),
    hourMs,
  }));
  places.sort((a, b) => a.hourMs - b.hourMs);
  const generations = [...new Set(places.map(({ shard }) => generationOf(shard)))];
  const through = new Map<ShardKey, number>();
  const missing: string[] = [];
  const shards: PastShard[] = [];
  for (const [key, all] of Map.groupBy(places, ({ shard }) => shard)) {
    // If a segment is archived twice, the later object counts.
    const bySegment = new Map(all.map((place) => [place.segment, place]));
    const archived = [...bySegment.values()].sort((a, b) => a.segment - b.segment);
    through.set(key, archived.at(-1)?.segment ?? 0);
    missing.push(
      ...holesIn(
        key,
        archived.map(({ segment }) => segment),
        NOT_ARCHIVED,
      ),
    );
    const read = ({ segment, hourMs }: (typeof places)[number]) =>
      archive.readRaw({ segment: segmentId(key, segment), hourMs }).catch(unreadable);
    shards.push({
      key,
      ...(await beginningIn(archived.map((place) => () => read(place)))),
      segments: archived.length,
      async *read() {
        for (const place of archived) {
          yield {
            segment: place.segment,
            last: undefined,
            async read() {
              const found = await read(place);
              if (typeof found !== 'object') return found ?? 'raw-missing';
              return { records: found.records.map(streamRecord), config: found.config };
            },
          };
        }
      },
    });
  }
  for (const key of await shardsOf(ledger)) {
    const archived = through.get(key) ?? 0;
    const last = lastEntered(await ledger.readHead(key));
    if (last > archived) missing.push(lineOf(key, archived + 1, last, NOT_ARCHIVED));
  }
  return { shards: inOrder(shards, generations), missing };
}

/** A shard's ancestors and first record, from the first of its objects that can be read: each of them has all ancestors. */
async function beginningIn(
  reads: readonly (() => Promise<RawSegment | string | undefined>)[],
): Promise<Pick<PastShard, 'ancestors' | 'first'>> {
  for (const read of reads) {
    const raw = await read();
    if (typeof raw !== 'object') continue;
    const [first] = raw.records.map(streamRecord);
    return { ancestors: raw.ancestors, first: first?.sequenceNumber };
  }
  return { ancestors: [], first: undefined };
}

function unreadable(error: unknown): string {
  if (error instanceof InvalidRawObject) return error.message;
  throw error;
}

/** The segments before and between others, one line a run. @param there those that are not missing, ascending */
function holesIn(key: ShardKey, there: readonly number[], why: string): string[] {
  return there.flatMap((segment, index) => {
    const next = (there[index - 1] ?? 0) + 1;
    return segment > next ? [lineOf(key, next, segment - 1, why)] : [];
  });
}

function lineOf(key: ShardKey, first: number, last: number, why: string): string {
  const [segments, were] =
    first === last ? [`segment ${first}`, 'was'] : [`segments ${first} to ${last}`, 'were'];
  return `${segments} of shard ${key} ${were} not counted again: ${why}`;
}

/** Ancestors first; each shard names its nearest ones. A lineage may be thousands long, which recursion would not bear. */
function inOrder(shards: readonly PastShard[], generations: readonly string[]): readonly PastShard[] {
  const place = ({ key }: PastShard) => generations.indexOf(generationOf(key));
  const depths = new Map<ShardKey, number>();
  const left = new Map(shards.map((shard) => [shard.key, shard]));
  for (let depth = 0; left.size > 0; depth += 1) {
    const ready = [...left.values()].filter(({ ancestors }) => !ancestors.some((key) => left.has(key)));
    for (const { key } of ready) {
      depths.set(key, depth);
      left.delete(key);
    }
  }
  const depthOf = ({ key }: PastShard) => depths.get(key) ?? 0;
  return [...shards].sort(
    (a, b) => place(a) - place(b) || depthOf(a) - depthOf(b) || (a.key < b.key ? -1 : 1),
  );
}

/** The generation in a shard's key. */
export function generationOf(shard: ShardKey): string {
  return shard.slice(0, shard.indexOf('.'));
}

/** A ledger's shards; none if it no longer exists. */
export async function shardsOf(ledger: CheckpointLedger): Promise<readonly ShardKey[]> {
  return ledger.shards().catch((error: unknown) => {
    if (error instanceof ResourceNotFoundException) return [];
    throw error;
  });
}
