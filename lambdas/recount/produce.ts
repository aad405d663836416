// Reproduces segments with the aggregator's own code, and spills their rows of the hours.
import pLimit from 'p-limit';
import { DedupWindows } from '../aggregator/windows.ts';
import { acceptedFromMs } from '../core/boundaries.ts';
import { lastEntered } from '../core/checkpoint.ts';
import { type HashRange, nameHash, rangeOf, rangesOf } from '../core/hash-range.ts';
import { compareSequenceNumbers, type SequenceNumber, type ShardKey } from '../core/identifiers.ts';
import type { SegmentOutput } from '../core/rollup.ts';
import { layRows, type Row, readLaid } from '../core/rows.ts';
import { acceptedToOf, type Head } from '../core/segment.ts';
import { isGivenUp, type SegmentEntry } from '../core/segment-entry.ts';
import type { SegmentReader } from '../raw-ports.ts';
import { encodeFrame } from './frames.ts';
import {
  ALL_HOURS,
  type ComparedSoFar,
  contains,
  type HourRange,
  overlaps,
  type RecountHooks,
  type RecountPorts,
  type RecountSettings,
  type RecountState,
  type ShardProgress,
  type UnknownReason,
} from './ports.ts';
import { produceOne } from './produce-segment.ts';
import { hourOf } from './sums.ts';

/** Concurrent shards: while one waits for the stream or the ledger, another is rolled up. */
const SHARDS_AT_ONCE = 4;
/** Ids in memory for each shard: a day's window at 50 events a second and shard. */
const WINDOW_IDS_MAX = 4_000_000;
/** Rows are flushed to disk after this many bytes. */
const FLUSH_BYTES = 16_000_000;
/** And after this many segments. */
const KEEP_SEGMENTS = 500;
/** The reach of a segment that added nothing. */
const NOWHERE: HourRange = { fromMs: 0, toMs: 0 };
/** Maximum number of parts, as bits; each part is a file. */
const BITS_MAX = 10;

/** The times a segment may have added to: events happen around their arrival, within the acceptance limits. */
function reachOf({ minArrivalMs, runMaxMs, config }: SegmentEntry): HourRange {
  const { acceptPastMs, acceptFutureMs } = config;
  return {
    fromMs: acceptPastMs === undefined ? ALL_HOURS.fromMs : minArrivalMs - acceptPastMs,
    toMs: runMaxMs + acceptFutureMs + 1,
  };
}

/** Begins a recount: the amount of data determines the number of parts. */
export async function begin(
  what: string,
  range: HourRange,
  { ledger }: Pick<RecountPorts, 'ledger'>,
  { partEvents }: Pick<RecountSettings, 'partEvents'>,
): Promise<RecountState> {
  const shards: Record<string, ShardProgress> = {};
  let events = 0;
  for (const shard of await ledger.shards()) {
    const through = lastEntered(await ledger.readHead(shard));
    let from = through + 1;
    for await (const entry of ledger.entriesUp(shard, 0, through)) {
      if (!overlaps(reachOf(entry), range)) continue;
      from = Math.min(from, entry.segment);
      events += entry.accounts.emitted;
    }
    shards[shard] = newProgress(from);
  }
  const bits = Math.min(BITS_MAX, Math.max(0, Math.ceil(Math.log2(events / partEvents))));
  return {
    v: 1,
    what,
    range,
    bits,
    shards,
    spilled: rangesOf(bits).map(() => 0),
    part: 0,
    topsDue: [],
    found: {
      segments: 0,
      events: 0,
      unknown: [],
      differences: [],
      differing: 0,
      repaired: 0,
      twice: [],
      ...nothingCompared(),
      stuck: undefined,
      restless: 0,
    },
  };
}

/** The figures before anything is compared. */
export function nothingCompared(): ComparedSoFar {
  const none = () => ({ compared: 0, partly: 0, unknown: 0 });
  return { figures: { hours: none(), days: none(), months: none(), all: none() }, deltas: 0 };
}

/** The hull of two reaches; one that is nowhere adds nothing to it. */
function union(a: HourRange, b: HourRange): HourRange {
  if (a.toMs === NOWHERE.toMs) return { fromMs: b.fromMs, toMs: b.toMs };
  if (b.toMs === NOWHERE.toMs) return { fromMs: a.fromMs, toMs: a.toMs };
  return { fromMs: Math.min(a.fromMs, b.fromMs), toMs: Math.max(a.toMs, b.toMs) };
}

function newProgress(from: number): ShardProgress {
  return { from, next: 1, hull: undefined, unsettled: [] };
}

/** Produces the remaining segments, up to the ledger's current end. May be killed at any point and resumes from the saved state. */
export async function produce(state: RecountState, ports: RecountPorts, hooks: RecountHooks): Promise<void> {
  const { ledger } = ports;
  const works: ShardWork[] = [];
  for (const shard of await ledger.shards()) {
    const progress = state.shards[shard] ?? newProgress(1);
    state.shards[shard] = progress;
    const head = await ledger.readHead(shard);
    if (head !== undefined) works.push(new ShardWork(shard, head, progress, state, ports));
  }
  const of = works.reduce((sum, { left }) => sum + left, 0);
  const keep = keeper(state, ports, hooks);
  let sinceKept = 0;
  const limit = pLimit(SHARDS_AT_ONCE);
  await Promise.all(
    works.map((work) =>
      limit(async () => {
        for await (const _ of work.steps()) {
          const left = works.reduce((sum, one) => sum + one.left, 0);
          hooks.onProgress({ phase: 'produce', done: of - left, of });
          sinceKept += 1;
          if (ports.spill.waiting <= FLUSH_BYTES && sinceKept < KEEP_SEGMENTS) continue;
          sinceKept = 0;
          await keep();
        }
      }),
    ),
  );
  await keep();
}

/** Writes rows first, then the state that includes them, one save at a time. */
function keeper(state: RecountState, { spill }: RecountPorts, hooks: RecountHooks): () => Promise<void> {
  let last = Promise.resolve();
  return () => {
    last = last.then(async () => {
      // Consistent: there is no await between the state's snapshot and the spill's.
      const snapshot = structuredClone(state);
      const spilled = await spill.flush();
      await hooks.save({ ...snapshot, spilled });
    });
    return last;
  };
}

/** Processes the segments of one shard in order. */
class ShardWork {
  readonly #shard: ShardKey;
  readonly #head: Head;
  readonly #progress: ShardProgress;
  readonly #state: RecountState;
  readonly #ports: RecountPorts;
  readonly #windows = new DedupWindows(WINDOW_IDS_MAX);
  /** Reads forward; undefined after skipped segments, whose records are not worth reading. */
  #reader: SegmentReader | undefined;

  constructor(
    shard: ShardKey,
    head: Head,
    progress: ShardProgress,
    state: RecountState,
    ports: RecountPorts,
  ) {
    this.#shard = shard;
    this.#head = head;
    this.#progress = progress;
    this.#state = state;
    this.#ports = ports;
  }

  get left(): number {
    return Math.max(0, lastEntered(this.#head) + 1 - this.#progress.next);
  }

  async *steps(): AsyncIterable<void> {
    const through = lastEntered(this.#head);
    const { next } = this.#progress;
    let before: SegmentEntry | undefined;
    for await (const entry of this.#ports.ledger.entriesUp(this.#shard, next - 1, through)) {
      this.#skipTo(entry.segment, { before, after: entry });
      before = entry;
      await this.#take(entry);
      yield;
    }
    this.#skipTo(through + 1, { before, after: undefined });
  }

  /** Missing entries: their segments lie between the surrounding ones. */
  #skipTo(segment: number, { before, after }: Record<'before' | 'after', SegmentEntry | undefined>): void {
    const { next } = this.#progress;
    if (segment <= next) return;
    // Settings may have changed meanwhile: only boundaries that never move back tell what these accepted.
    const fromMs = before === undefined ? ALL_HOURS.fromMs : acceptedFromMs(before.config, before.runMaxMs);
    const reach = { fromMs, toMs: acceptedToOf(after ?? this.#head) + 1 };
    if (overlaps(reach, this.#state.range)) this.#unknown(reach, next, segment - 1, 'no-entry');
    this.#progress.next = segment;
  }

  #unknown(reach: HourRange, first: number, last: number, reason: UnknownReason): void {
    const { unknown } = this.#state.found;
    // Shards are read concurrently, so runs of others may follow this shard's last one.
    const at = unknown.findLastIndex(({ shard }) => shard === this.#shard);
    const before = unknown[at];
    if (before?.reason !== reason || before.last !== first - 1)
      unknown.push({ shard: this.#shard, first, last, reason, ...reach });
    else unknown[at] = { ...before, last, ...union(before, reach) };
  }

  async #take(entry: SegmentEntry): Promise<void> {
    const { segment } = entry;
    const reach = reachOf(entry);
    if (!overlaps(reach, this.#state.range)) {
      this.#reader = undefined;
      this.#progress.next = segment + 1;
      return;
    }
    this.#reader ??= this.#ports.source.segmentsOf(this.#shard);
    const output = await produceOne(entry, this.#shard, this.#head, this.#reader, this.#windows, this.#ports);
    // No await from here to the end: a saved state has all of a segment, or nothing.
    this.#look(entry);
    if (typeof output === 'string') {
      // Without a counted part, a segment cannot be in the store.
      const isEmpty = isGivenUp(entry) && entry.acked.size === 0;
      this.#unknown(isEmpty ? NOWHERE : reach, segment, segment, output);
    } else {
      this.#setAside(entry, output);
      this.#state.found.segments += 1;
      this.#state.found.events += output.accounts.emitted;
      if (!isGivenUp(entry)) this.#progress.unsettled.push(segment);
    }
    this.#progress.next = segment + 1;
  }

  /** Notes the sequence numbers processed: those of two generations must not overlap. */
  #look({ first, last }: { readonly first: SequenceNumber; readonly last: SequenceNumber }): void {
    const { hull } = this.#progress;
    const earliest = hull === undefined || compareSequenceNumbers(first, hull.first as SequenceNumber) < 0;
    this.#progress.hull = { first: earliest ? first : hull.first, last };
  }

  #setAside(entry: SegmentEntry, output: SegmentOutput): void {
    const { range, bits } = this.#state;
    for (const [part, { range: cutRange, laid }] of output.cut.entries()) {
      // A part that was given up stays so: its tombstone never expires.
      if (entry.discarded.has(part) && !entry.acked.has(part)) continue;
      const name = { shard: this.#shard, segment: entry.segment, part, runMaxMs: entry.runMaxMs };
      const whole = cutRange.length >= bits ? (cutRange.slice(0, bits) as HashRange) : undefined;
      if (whole !== undefined && isNear(entry, range)) {
        this.#ports.spill.append(numberOf(whole), encodeFrame(name, laid));
        continue;
      }
      const rows = readLaid(laid).filter((row) => contains(range, hourOf(row)));
      const rangeOfRow = ({ metric, entity }: Row) => whole ?? rangeOf(nameHash(metric, entity), bits);
      for (const [at, own] of Map.groupBy(rows, rangeOfRow))
        this.#ports.spill.append(numberOf(at), encodeFrame(name, layRows(own)));
    }
  }
}

/** Whether most of a segment's rows are likely in the hours: its arrivals are. Other rows are filtered when they are read. */
function isNear({ minArrivalMs, runMaxMs }: SegmentEntry, range: HourRange): boolean {
  return overlaps({ fromMs: minArrivalMs, toMs: runMaxMs + 1 }, range);
}

/** A range's part number. */
function numberOf(range: HashRange): number {
  return range === '' ? 0 : Number.parseInt(range, 2);
}
