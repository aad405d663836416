// The auditor's use case: produce segments again from the stream and hold them against the counter items.
import { DedupWindows, type WindowLedger } from '../aggregator/windows.ts';
import { compareItem, type Difference, type EmittedRow } from '../counting/audit.ts';
import { lastEntered } from '../counting/books.ts';
import { bucketOfSortKey, type CounterKey, counterKey } from '../counting/counter-item.ts';
import { type DeletedEntities, mayBeDeleted } from '../counting/deleted-entities.ts';
import {
  parseSegmentId,
  type SegmentId,
  type ShardKey,
  segmentId,
  shardIdOf,
} from '../counting/identifiers.ts';
import { rollUp } from '../counting/rollup.ts';
import { decodeRollupMessage } from '../counting/rollup-message.ts';
import { hashEventId } from '../counting/seen-ids.ts';
import { type Head, plannedRecords, ROLLUP_VERSION } from '../counting/segment.ts';
import { MissingLedgerItem, type SegmentEntry } from '../counting/segment-entry.ts';
import { DAY_MS, parseBucketName } from '../counting/time.ts';
import type { AuditedCounters, AuditedLog, AuditSlice, BooksLedger, RangeReader } from '../ports.ts';
import type { ItemRepairer } from './repair.ts';

/** What the audit needs. */
export interface AuditorPorts {
  readonly ledger: BooksLedger & WindowLedger;
  readonly log: AuditedLog;
  readonly counters: AuditedCounters;
  /** Entities deleted on request: what they had may be missing. */
  readonly deletions: () => Promise<DeletedEntities>;
}

/** What is audited: buckets that start in `fromMs <= start < toMs`, epoch milliseconds. */
export interface AuditRange {
  readonly fromMs: number;
  readonly toMs: number;
}

/** A segment of which nothing can be said, and why. */
export interface UnauditedSegment {
  readonly segment: SegmentId;
  readonly reason: 'trimmed' | 'lost' | 'ids-expired' | 'rollup-version';
}

/** What the audit found. */
export interface AuditReport {
  /** Segments that were produced again. */
  segments: number;
  /** Counter items that were compared, and how many events they hold. */
  items: number;
  events: number;
  /** Items of them that differ. */
  itemsDiffering: number;
  /** Items that changed meanwhile, or hold segments of which nothing can be said. */
  itemsUnaudited: number;
  readonly segmentsUnaudited: UnauditedSegment[];
  /** Segments that came out differently than they did the first time. */
  readonly notReproducible: SegmentId[];
  readonly differences: Difference[];
  /** Differences beyond the first `DIFFERENCES_MAX`. */
  differencesOmitted: number;
  repaired: number;
  /** False when time ran out: ask again with more, smaller slices. */
  complete: boolean;
}

/** Most differences that a report names. */
export const DIFFERENCES_MAX = 1_000;
const ITEMS_AT_ONCE = 100;

/** Whose items are audited, when, and which of them may rightly be missing. */
type Scope = { readonly range: AuditRange; readonly slice: AuditSlice; readonly deleted: DeletedEntities };

/** The segments of each shard that the audit looks at: earlier ones arrived too early, later ones after it began. */
type Snapshot = ReadonlyMap<ShardKey, { readonly from: number; readonly through: number }>;

/** How long before its hour an event may have arrived: clients' clocks run ahead by minutes, never by a day. */
const ARRIVAL_MARGIN_MS = DAY_MS;

/**
 * Audits one slice of the counter items of a range: whatever segments emitted for them must be in them, nothing else, and the
 * sums must be right. Segments are produced again from the stream, so only what it still holds can be audited this way.
 * @param repair rewrites what differs; undefined: only report
 */
export async function audit(
  range: AuditRange,
  slice: AuditSlice,
  ports: AuditorPorts,
  hasTime: () => boolean,
  repair?: ItemRepairer,
): Promise<AuditReport> {
  const report = emptyReport();
  const snapshot = new Map<ShardKey, { from: number; through: number }>();
  const emitted = new Map<string, EmittedRow[]>();
  const deleted = await ports.deletions();
  for (const shard of await ports.ledger.shards()) {
    const head = await ports.ledger.readHead(shard);
    const through = lastEntered(head);
    const from = await firstReaching(shard, through, range.fromMs - ARRIVAL_MARGIN_MS, ports.ledger);
    snapshot.set(shard, { from, through });
    if (head === undefined) continue;
    await collectShard(shard, head, from, { range, slice, deleted }, ports, emitted, report, hasTime);
  }
  if (report.complete) await compareAll(emitted, snapshot, ports, report, hasTime, repair);
  if (report.complete) await findStrangers(range, slice, snapshot, ports, report, hasTime);
  return report;
}

function emptyReport(): AuditReport {
  return {
    segments: 0,
    items: 0,
    events: 0,
    itemsDiffering: 0,
    itemsUnaudited: 0,
    segmentsUnaudited: [],
    notReproducible: [],
    differences: [],
    differencesOmitted: 0,
    repaired: 0,
    complete: true,
  };
}

/**
 * The first segment whose arrivals reach `sinceMs`, by halving: the running maximum never steps back. Entries that have
 * expired are the oldest ones.
 */
async function firstReaching(
  shard: ShardKey,
  through: number,
  sinceMs: number,
  ledger: BooksLedger,
): Promise<number> {
  let [low, high] = [1, through + 1];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const [entry] = await ledger.readEntries(shard, [middle]);
    if (entry === undefined || entry.runMaxMs < sinceMs) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Produces a shard's segments again, from segment `from` on, and collects their rows. */
async function collectShard(
  shard: ShardKey,
  head: Head,
  from: number,
  scope: Scope,
  ports: AuditorPorts,
  emitted: Map<string, EmittedRow[]>,
  report: AuditReport,
  hasTime: () => boolean,
): Promise<void> {
  const windows = new DedupWindows();
  const reader = ports.log.ranges(shardIdOf(shard));
  for await (const entry of ports.ledger.entriesUp(shard, from - 1, lastEntered(head))) {
    if (!hasTime()) {
      report.complete = false;
      return;
    }
    if (!touches(entry, scope.range)) continue;
    const plan = { ...entry, ancestors: head.ancestors };
    const sources = { windows, reader, ledger: ports.ledger };
    const unaudited = await collectSegment(shard, plan, entry, scope, sources, emitted, report);
    if (unaudited !== undefined) {
      report.segmentsUnaudited.push({ segment: segmentId(shard, entry.segment), reason: unaudited });
    }
  }
}

function touches({ buckets, lost }: SegmentEntry, { fromMs, toMs }: AuditRange): boolean {
  // Of a segment that was lost before it was rolled up nobody knows what it would have touched.
  if (buckets === undefined) return lost;
  return buckets.latestMs >= fromMs && buckets.earliestMs < toMs;
}

async function collectSegment(
  shard: ShardKey,
  plan: Parameters<DedupWindows['before']>[1],
  entry: SegmentEntry,
  { range, slice, deleted }: Scope,
  { windows, reader, ledger }: { windows: DedupWindows; reader: RangeReader; ledger: WindowLedger },
  emitted: Map<string, EmittedRow[]>,
  report: AuditReport,
): Promise<UnauditedSegment['reason'] | undefined> {
  if (entry.lost) return 'lost';
  if (entry.version !== ROLLUP_VERSION) return 'rollup-version';
  const id = segmentId(shard, entry.segment);
  const records = plannedRecords(entry, await reader.read(entry.first, entry.last));
  if (records === undefined) return 'trimmed';
  try {
    const output = rollUp(id, records, await windows.before(shard, plan, ledger), entry.config);
    report.segments += 1;
    if (output.digest !== entry.digest) report.notReproducible.push(id);
    for (const { message } of output.parts) {
      const acked = entry.acked.has(message.part) && !(message.part in entry.expired);
      const { rows, bucketMinutes } = decodeRollupMessage(message.body);
      for (const row of rows) {
        if (!inRange(row.bucket, range) || sliceOf(row.entity, slice.count) !== slice.index) continue;
        const key = nameOf(counterKey(row.metric, row.entity, row.bucket));
        const due = acked && !mayBeDeleted(deleted, row.entity, entry.runMaxMs);
        const one = { segment: id, row, bucketMinutes, acked: due };
        const others = emitted.get(key);
        if (others === undefined) emitted.set(key, [one]);
        else others.push(one);
      }
    }
    return undefined;
  } catch (error) {
    if (error instanceof MissingLedgerItem) return 'ids-expired';
    throw error;
  }
}

async function compareAll(
  emitted: ReadonlyMap<string, readonly EmittedRow[]>,
  snapshot: Snapshot,
  { counters }: AuditorPorts,
  report: AuditReport,
  hasTime: () => boolean,
  repair: ItemRepairer | undefined,
): Promise<void> {
  const unauditedIds = new Set<string>(report.segmentsUnaudited.map(({ segment }) => segment));
  const isUnaudited = (segment: string) => unauditedIds.has(segment) || isOutside(segment, snapshot);
  const items = [...emitted];
  for (let at = 0; at < items.length; at += ITEMS_AT_ONCE) {
    if (!hasTime()) {
      report.complete = false;
      return;
    }
    const page = items.slice(at, at + ITEMS_AT_ONCE);
    const stored = await counters.readItems(page.map(([name]) => keyOf(name)));
    for (const [index, [, rows]] of page.entries()) {
      const comparison = compareItem(rows, stored[index], isUnaudited);
      if (comparison === 'unaudited') {
        report.itemsUnaudited += 1;
        continue;
      }
      report.items += 1;
      report.events += comparison.expected.events;
      for (const difference of comparison.differences) note(difference, report);
      if (comparison.differences.length > 0) report.itemsDiffering += 1;
      if (comparison.differences.length === 0 || repair === undefined) continue;
      if ((await repair(comparison, stored[index])) === 'rewritten') report.repaired += 1;
    }
  }
}

/** Looks through all stored items for segment ids that no segment of that name can have left there. */
async function findStrangers(
  range: AuditRange,
  slice: AuditSlice,
  snapshot: Snapshot,
  { counters, ledger }: AuditorPorts,
  report: AuditReport,
  hasTime: () => boolean,
): Promise<void> {
  const verdicts = new Map<string, boolean>();
  for await (const { key, applied } of counters.scanItems(slice)) {
    const bucket = bucketOfSortKey(key.sk);
    if (!inRange(bucket, range)) continue;
    if (!hasTime()) {
      report.complete = false;
      return;
    }
    for (const segment of applied) {
      const name = `${segment} ${bucket}`;
      const known = verdicts.get(name) ?? (await isKnown(segment, bucket, snapshot, ledger));
      verdicts.set(name, known);
      if (known) continue;
      const metric = key.sk.slice(0, key.sk.indexOf('#'));
      note({ kind: 'segment-unknown', metric, entity: key.pk, bucket, segment }, report);
    }
  }
}

/** Whether a segment of that name was given out and may have added to the bucket, as far as the ledger still knows. */
async function isKnown(
  segment: string,
  bucket: string,
  snapshot: Snapshot,
  ledger: BooksLedger,
): Promise<boolean> {
  const named = nameIn(segment);
  if (named === undefined || !snapshot.has(named.shard)) return false;
  if (isOutside(segment, snapshot)) return true;
  const [entry] = await ledger.readEntries(named.shard, [named.segment]);
  const startMs = parseBucketName(bucket) ?? 0;
  return entry === undefined || touches(entry, { fromMs: startMs, toMs: startMs + 1 });
}

/** Whether a segment's shard is audited, but not this segment. */
function isOutside(segment: string, snapshot: Snapshot): boolean {
  const named = nameIn(segment);
  const looked = named && snapshot.get(named.shard);
  return (
    looked !== undefined &&
    named !== undefined &&
    (named.segment < looked.from || named.segment > looked.through)
  );
}

function nameIn(segment: string): { shard: ShardKey; segment: number } | undefined {
  try {
    return parseSegmentId(segment);
  } catch {
    return undefined;
  }
}

function note(difference: Difference, report: AuditReport): void {
  const twice =
    difference.kind === 'segment-unknown' && report.differences.some((other) => isSame(other, difference));
  if (twice) return;
  if (report.differences.length < DIFFERENCES_MAX) report.differences.push(difference);
  else report.differencesOmitted += 1;
}

function isSame(a: Difference, b: Difference & { kind: 'segment-unknown' }): boolean {
  return (
    a.kind === b.kind &&
    a.segment === b.segment &&
    a.metric === b.metric &&
    a.entity === b.entity &&
    a.bucket === b.bucket
  );
}

function inRange(bucket: string, { fromMs, toMs }: AuditRange): boolean {
  const startMs = parseBucketName(bucket);
  return startMs !== undefined && startMs >= fromMs && startMs < toMs;
}

function sliceOf(entity: string, count: number): number {
  const hash = { high: 0, low: 0 };
  hashEventId(entity, hash);
  return hash.low % count;
}

function nameOf({ pk, sk }: CounterKey): string {
  return JSON.stringify([pk, sk]);
}

function keyOf(name: string): CounterKey {
  const [pk, sk] = JSON.parse(name) as [string, string];
  return { pk, sk };
}
