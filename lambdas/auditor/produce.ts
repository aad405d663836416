// The audit's first phase: segments are produced again from the stream, and their rows for the range are set aside.
import type { WindowLedger, WindowPlan } from '../aggregator/windows.ts';
import type { AuditedLog, AuditScratch, RangeReader } from '../audit-ports.ts';
import { isBucketIn, SpillLines } from '../counting/audit-rows.ts';
import {
  type AuditFindings,
  type AuditPosition,
  type AuditRange,
  type AuditState,
  type LookedAt,
  type UnauditedReason,
  withUnaudited,
} from '../counting/audit-state.ts';
import { lastEntered } from '../counting/books.ts';
import type { DedupView } from '../counting/dedup-window.ts';
import { type DeletedEntities, mayBeDeleted } from '../counting/deleted-entities.ts';
import { type ShardKey, segmentId } from '../counting/identifiers.ts';
import { rollUp } from '../counting/rollup.ts';
import { decodeRollupMessage } from '../counting/rollup-message.ts';
import { type Head, plannedRecords, ROLLUP_VERSION } from '../counting/segment.ts';
import { MissingLedgerItem, type SegmentEntry } from '../counting/segment-entry.ts';
import { DAY_MS } from '../counting/time.ts';
import type { BooksLedger } from '../ports.ts';
import type { AuditLimits } from './limits.ts';

/** Where the dedup window of a segment comes from. */
export interface SegmentWindows {
  before(shard: ShardKey, plan: WindowPlan, ledger: WindowLedger): Promise<DedupView>;
}

interface ProducePorts {
  readonly ledger: BooksLedger & WindowLedger;
  readonly logs: { readonly stream: AuditedLog; readonly archive: AuditedLog | undefined };
  readonly scratch: AuditScratch;
  readonly deletions: () => Promise<DeletedEntities>;
  readonly windows: SegmentWindows;
}

/** How long before its hour an event may have arrived: clients' clocks run ahead by minutes, never by a day. */
const ARRIVAL_MARGIN_MS = DAY_MS;

/** Produces segments, shard by shard, until the time or the room for their rows is used up: at least one. */
export async function produce(
  state: AuditState,
  position: AuditPosition & { phase: 'produce' },
  ports: ProducePorts,
  hasTime: () => boolean,
  { partitions, spillBytes }: Pick<AuditLimits, 'partitions' | 'spillBytes'>,
): Promise<AuditState> {
  const lines = new SpillLines(partitions);
  const goesOn = () => hasTime() && lines.bytes < spillBytes;
  const deleted = await ports.deletions();
  const looked = [...state.looked];
  let { findings } = state;
  let { shard: index, next } = position;
  do {
    const shard = state.shards[index];
    if (shard === undefined) break;
    const head = await ports.ledger.readHead(shard);
    const at = looked[index] ?? (await lookedAt(shard, head, state.range, ports.ledger));
    looked[index] = at;
    const work = new ShardWork(shard, { ...state, findings }, ports, lines, deleted);
    next = head && (await work.run(head, { from: next ?? at.from, through: at.through }, goesOn));
    findings = work.findings;
    if (next === undefined) index += 1;
  } while (goesOn());
  const spilled = lines.bytes > 0 ? [await ports.scratch.putSpill(state.id, lines.partitions)] : [];
  return {
    ...state,
    looked,
    findings,
    spills: [...state.spills, ...spilled],
    spilledBytes: state.spilledBytes + lines.bytes,
    position:
      index < state.shards.length
        ? { phase: 'produce', shard: index, ...(next !== undefined && { next }) }
        : { phase: 'scan' },
  };
}

async function lookedAt(
  shard: ShardKey,
  head: Head | undefined,
  { fromMs }: AuditRange,
  ledger: BooksLedger,
): Promise<LookedAt> {
  const through = lastEntered(head);
  return { from: await firstReaching(shard, through, fromMs - ARRIVAL_MARGIN_MS, ledger), through };
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

/** Segments of one shard, produced one after the other. */
class ShardWork {
  findings: AuditFindings;
  readonly #shard: ShardKey;
  readonly #range: AuditRange;
  readonly #ports: ProducePorts;
  readonly #log: AuditedLog | undefined;
  readonly #lines: SpillLines;
  readonly #deleted: DeletedEntities;
  /** Reads forwards; undefined after segments were passed over, whose records are not worth reading. */
  #reader: RangeReader | undefined;

  constructor(
    shard: ShardKey,
    { range, source, findings }: Pick<AuditState, 'range' | 'source' | 'findings'>,
    ports: ProducePorts,
    lines: SpillLines,
    deleted: DeletedEntities,
  ) {
    this.#shard = shard;
    this.#range = range;
    this.#log = ports.logs[source];
    this.#ports = ports;
    this.#lines = lines;
    this.#deleted = deleted;
    this.findings = findings;
  }

  /** @returns the segment to go on with; undefined when all are done */
  async run(
    head: Pick<Head, 'ancestors'>,
    { from, through }: LookedAt,
    goesOn: () => boolean,
  ): Promise<number | undefined> {
    let next = from;
    for await (const entry of this.#ports.ledger.entriesUp(this.#shard, from - 1, through)) {
      if (entry.segment > next) this.#unaudited({ from: next, through: entry.segment - 1 }, 'no-entry');
      next = entry.segment + 1;
      await this.#take(entry, head);
      if (next <= through && !goesOn()) return next;
    }
    if (next <= through) this.#unaudited({ from: next, through }, 'no-entry');
    return undefined;
  }

  async #take(entry: SegmentEntry, { ancestors }: Pick<Head, 'ancestors'>): Promise<void> {
    if (!touches(entry, this.#range)) {
      this.#reader = undefined;
      return;
    }
    const reason = await this.#produce(entry, { ...entry, ancestors });
    if (reason !== undefined) this.#unaudited({ from: entry.segment, through: entry.segment }, reason);
  }

  #unaudited(segments: LookedAt, reason: UnauditedReason): void {
    this.findings = withUnaudited(this.findings, this.#shard, segments, reason);
  }

  async #produce(entry: SegmentEntry, plan: WindowPlan): Promise<UnauditedReason | undefined> {
    const { ledger, windows } = this.#ports;
    if (entry.lost) return 'lost';
    if (entry.version !== ROLLUP_VERSION) return 'rollup-version';
    // The archive was there when the audit began, and was switched off since.
    if (this.#log === undefined) return 'not-archived';
    this.#reader ??= this.#log.ranges(this.#shard);
    const read = await this.#reader.read(entry);
    if (typeof read === 'string') return read;
    const records = plannedRecords(entry, read);
    if (records === undefined) return 'trimmed';
    const id = segmentId(this.#shard, entry.segment);
    try {
      const output = rollUp(id, records, await windows.before(this.#shard, plan, ledger), entry.config);
      for (const { message } of output.parts) this.#setAside(message.body, entry);
      const { segments, notReproducible } = this.findings;
      this.findings = {
        ...this.findings,
        segments: segments + 1,
        notReproducible: output.digest === entry.digest ? notReproducible : [...notReproducible, id],
      };
      return undefined;
    } catch (error) {
      if (error instanceof MissingLedgerItem) return 'ids-expired';
      throw error;
    }
  }

  #setAside(body: string, { acked: all, expired, runMaxMs }: SegmentEntry): void {
    const { segment, part, rows, bucketMinutes } = decodeRollupMessage(body);
    const acked = all.has(part) && !(part in expired);
    for (const row of rows) {
      if (!isBucketIn(row.bucket, this.#range)) continue;
      const due = acked && !mayBeDeleted(this.#deleted, row.entity, runMaxMs);
      this.#lines.addRow({ segment, row, bucketMinutes, acked: due });
    }
  }
}

function touches({ buckets, lost }: SegmentEntry, { fromMs, toMs }: AuditRange): boolean {
  // Of a segment that was lost before it was rolled up nobody knows what it would have touched.
  if (buckets === undefined) return lost;
  return buckets.latestMs >= fromMs && buckets.earliestMs < toMs;
}
