// An audit that goes on from page to page: its state after each step, what it has found, and how far it is.
import type { Difference } from './audit.ts';
import type { CounterKey } from './counter-item.ts';
import { type SegmentId, type ShardKey, segmentId } from './identifiers.ts';

/** What is audited: buckets that start in `fromMs <= start < toMs`, epoch milliseconds. */
export interface AuditRange {
  readonly fromMs: number;
  readonly toMs: number;
}

/** Where segments' records are read again. */
export type AuditSource = 'stream' | 'archive';

/**
 * Why nothing can be said of a segment: the stream has trimmed it; it was lost; its dedup window is gone; it was rolled up by
 * another version; it has no entry; it was not archived; its raw records are past their retention; something was deleted
 * from them. The last two of the list should not be: the object is missing, or is not what was archived.
 */
export type UnauditedReason =
  | 'trimmed'
  | 'lost'
  | 'ids-expired'
  | 'rollup-version'
  | 'no-entry'
  | 'not-archived'
  | 'raw-expired'
  | 'raw-deleted'
  | RawDifference;

/** What can be wrong with a segment's object in the archive of raw records. */
export type RawDifference = 'raw-missing' | 'raw-differs';

/** A run of segments of one shard of which nothing can be said, and why; they follow each other among those looked at. */
export interface UnauditedRun {
  readonly shard: ShardKey;
  readonly from: number;
  readonly through: number;
  /** How many segments of the run may have added to the range. */
  readonly segments: number;
  readonly reason: UnauditedReason;
  /** How many segments the audit had produced by then: as long as it is no more, the run goes on. */
  readonly produced: number;
}

/** What an audit has found so far. */
export interface AuditFindings {
  /** Segments that were produced again. */
  readonly segments: number;
  /** Counter items that were compared, and how many events they must hold. */
  readonly items: number;
  readonly events: number;
  /** Items that differ. */
  readonly itemsDiffering: number;
  /** Items that hold segments of which nothing can be said, so that their sums can not be checked. */
  readonly itemsUnaudited: number;
  readonly unaudited: readonly UnauditedRun[];
  /** Segments that came out differently than they did the first time. */
  readonly notReproducible: readonly SegmentId[];
  readonly differences: readonly Difference[];
  /** Differences beyond the first `DIFFERENCES_MAX`. */
  readonly differencesOmitted: number;
  readonly repaired: number;
}

/** Most differences that a report names. */
export const DIFFERENCES_MAX = 1_000;

/** Where an audit goes on. */
export type AuditPosition =
  /** Producing again what segments emitted: the shard's place in the list, and the next segment; undefined: to be found. */
  | { readonly phase: 'produce'; readonly shard: number; readonly next?: number }
  /** Looking through all counter items, after the one named. */
  | { readonly phase: 'scan'; readonly after?: CounterKey }
  /** Comparing item by item from a partition on, after the item named. */
  | { readonly phase: 'compare'; readonly partition: number; readonly after?: string }
  | { readonly phase: 'done' };

/** The segments of a shard that an audit looks at: earlier ones arrived too early, later ones after it began. */
export interface LookedAt {
  readonly from: number;
  readonly through: number;
}

/** An audit after so many steps. Everything that the next step needs besides the services. */
export interface AuditState {
  readonly id: string;
  /** How many steps are done. */
  readonly step: number;
  readonly startedAtMs: number;
  readonly range: AuditRange;
  /** Whether items that differ are rewritten. */
  readonly repair: boolean;
  readonly source: AuditSource;
  readonly shards: readonly ShardKey[];
  /** In the order of `shards`, as far as they have been begun. */
  readonly looked: readonly LookedAt[];
  readonly position: AuditPosition;
  /** The names of what was spilled, in order, and all its bytes. */
  readonly spills: readonly string[];
  readonly spilledBytes: number;
  readonly itemsScanned: number;
  readonly findings: AuditFindings;
}

const NOTHING_FOUND: AuditFindings = {
  segments: 0,
  items: 0,
  events: 0,
  itemsDiffering: 0,
  itemsUnaudited: 0,
  unaudited: [],
  notReproducible: [],
  differences: [],
  differencesOmitted: 0,
  repaired: 0,
};

/** An audit that has done nothing yet. */
export function newAudit(
  audit: Pick<AuditState, 'id' | 'startedAtMs' | 'range' | 'repair' | 'source' | 'shards'>,
): AuditState {
  const position = { phase: 'produce', shard: 0 } as const;
  const nothing = { step: 0, looked: [], spills: [], spilledBytes: 0, itemsScanned: 0 };
  return { ...audit, ...nothing, position, findings: NOTHING_FOUND };
}

/** Notes that nothing can be said of segments `from` to `through` of a shard. */
export function withUnaudited(
  found: AuditFindings,
  shard: ShardKey,
  { from, through }: LookedAt,
  reason: UnauditedReason,
): AuditFindings {
  const { unaudited, segments: produced } = found;
  const segments = through - from + 1;
  const last = unaudited.at(-1);
  const goesOn = last?.shard === shard && last.reason === reason && last.produced === produced;
  const run = goesOn
    ? { ...last, through, segments: last.segments + segments }
    : { shard, from, through, segments, reason, produced };
  return { ...found, unaudited: [...(goesOn ? unaudited.slice(0, -1) : unaudited), run] };
}

/** Adds an item's differences, naming the first `DIFFERENCES_MAX` of the audit. */
export function withDifferences(found: AuditFindings, more: readonly Difference[]): AuditFindings {
  if (more.length === 0) return found;
  const named = more.slice(0, DIFFERENCES_MAX - found.differences.length);
  return {
    ...found,
    itemsDiffering: found.itemsDiffering + 1,
    differences: [...found.differences, ...named],
    differencesOmitted: found.differencesOmitted + more.length - named.length,
  };
}

/** Segments of which nothing can be said, as a report names them. */
export interface UnauditedSegments {
  readonly first: SegmentId;
  readonly last: SegmentId;
  readonly segments: number;
  readonly reason: UnauditedReason;
}

/** What an audit found in the end. */
export interface AuditReport extends Omit<AuditFindings, 'unaudited'> {
  readonly complete: true;
  readonly source: AuditSource;
  /** Segments whose raw records are missing in the archive or differ; `segmentsUnaudited` names them. */
  readonly rawDifferences: number;
  readonly segmentsUnaudited: readonly UnauditedSegments[];
}

/** How far an audit is. */
export interface AuditProgress {
  readonly phase: AuditPosition['phase'];
  /** How much of the phase is done, 0 to 1; null while nobody knows, as in a scan. */
  readonly share: number | null;
  readonly segments: number;
  readonly itemsScanned: number;
  readonly items: number;
  readonly differences: number;
}

/** The report of an audit that is done. */
export function auditReport({ source, findings }: AuditState): AuditReport {
  const { unaudited, ...found } = findings;
  const segmentsUnaudited = unaudited.map(({ shard, from, through, segments, reason }) => ({
    first: segmentId(shard, from),
    last: segmentId(shard, through),
    segments,
    reason,
  }));
  return { complete: true, source, ...found, rawDifferences: rawDifferences(findings), segmentsUnaudited };
}

/** How many segments' raw records are missing or differ. */
export function rawDifferences({ unaudited }: Pick<AuditFindings, 'unaudited'>): number {
  return unaudited
    .filter(({ reason }) => reason === 'raw-missing' || reason === 'raw-differs')
    .reduce((sum, { segments }) => sum + segments, 0);
}

/** How far an audit is. @param partitions how many it compares */
export function auditProgress(state: AuditState, partitions: number): AuditProgress {
  const { findings, position, itemsScanned } = state;
  const { segments, items } = findings;
  const differences = findings.differences.length + findings.differencesOmitted + rawDifferences(findings);
  const share = shareDone(state, partitions);
  const figures = { segments, itemsScanned, items, differences };
  return { phase: position.phase, share, ...figures };
}

function shareDone({ position, shards, looked }: AuditState, partitions: number): number | null {
  if (position.phase === 'done') return 1;
  if (position.phase === 'compare') return position.partition / partitions;
  if (position.phase === 'scan') return null;
  const at = looked[position.shard];
  const ofShard =
    at === undefined || position.next === undefined
      ? 0
      : (position.next - at.from) / Math.max(1, at.through - at.from + 1);
  return (position.shard + ofShard) / Math.max(1, shards.length);
}

/** A state as text. */
export function encodeAuditState(state: AuditState): string {
  return JSON.stringify(state, (_, field) => (typeof field === 'bigint' ? `${field}n` : field));
}

/** A text as state: what `encodeAuditState` made. */
export function decodeAuditState(text: string): AuditState {
  // Only sums are bigints, and their fields have no other text; an entity named "5n" is in another field.
  return JSON.parse(text, (name, field) =>
    (name === 'expected' || name === 'found') && typeof field === 'string'
      ? BigInt(field.slice(0, -1))
      : field,
  ) as AuditState;
}
