// A rebuilt ledger held against the first one: what each archived segment received and passed on, then and now.
import { type Accounts, addAccounts, noAccounts } from '../counting/accounts.ts';
import { lastEntered } from '../counting/books.ts';
import { type SegmentId, type ShardKey, segmentId, shardIdOf, shardKey } from '../counting/identifiers.ts';
import type { SegmentEntry } from '../counting/segment-entry.ts';
import type { BooksLedger } from '../ports.ts';
import { type ArchivedShard, numberOf } from './raw-log.ts';

/** A ledger, as far as accounts are compared. */
export type AccountsLedger = Pick<BooksLedger, 'readHead' | 'entriesUp'>;

/** What comparing came to. */
export interface AccountsComparison {
  /** Segments that both ledgers know, and what they say of them. */
  segments: number;
  before: Accounts;
  after: Accounts;
  /** Segments of the first ledger whose accounts are others now; at most `NAMED_MAX` of them. */
  readonly differing: SegmentId[];
  differingOmitted: number;
  /** Segments of the first ledger that are not archived, and so not in the second; lost ones aside. */
  notArchived: number;
  /** Segments that the first ledger has as lost before they were rolled up: nobody has their records. */
  lost: number;
  /** Segments that the first ledger has as lost in the same way, and whose records had been archived just before: they are counted now. */
  recovered: number;
  /** Archived segments that the first ledger does not know any more. */
  unknown: number;
  /** Archived segments that the second ledger does not have. */
  missing: number;
}

/** Most segments that a comparison names. */
export const NAMED_MAX = 100;

/** Nothing compared yet. */
export function nothingCompared(): AccountsComparison {
  return {
    segments: 0,
    before: noAccounts(),
    after: noAccounts(),
    differing: [],
    differingOmitted: 0,
    notArchived: 0,
    lost: 0,
    recovered: 0,
    unknown: 0,
    missing: 0,
  };
}

/**
 * Compares one shard's segments. Two segments are the same if they begin with the same record: their numbers may differ.
 * @param whole whether the whole history of the shard was to be played, so that what is not archived at its ends counts
 */
export async function compareAccounts(
  { shard, places }: ArchivedShard,
  generation: string,
  whole: boolean,
  first: AccountsLedger,
  second: AccountsLedger,
  comparison: AccountsComparison,
): Promise<void> {
  const archived = new Set(places.map(numberOf));
  const [least, most] = [Math.min(...archived), Math.max(...archived)];
  const through = whole ? Math.max(most, lastEntered(await first.readHead(shard))) : most;
  const rebuilt = new ByFirstRecord(shardKey(generation, shardIdOf(shard)), second);
  let known = 0;
  for await (const entry of first.entriesUp(shard, whole ? 0 : least - 1, through)) {
    if (!archived.has(entry.segment)) {
      if (wasNeverCounted(entry)) comparison.lost += 1;
      else comparison.notArchived += 1;
      continue;
    }
    known += 1;
    const now = await rebuilt.find(entry.first);
    if (now === undefined) {
      comparison.missing += 1;
      continue;
    }
    if (wasNeverCounted(entry)) {
      comparison.recovered += 1;
      continue;
    }
    comparison.segments += 1;
    comparison.before = addAccounts(comparison.before, entry.accounts);
    comparison.after = addAccounts(comparison.after, now.accounts);
    if (isSame(entry.accounts, now.accounts)) continue;
    if (comparison.differing.length < NAMED_MAX) comparison.differing.push(segmentId(shard, entry.segment));
    else comparison.differingOmitted += 1;
  }
  comparison.unknown += archived.size - known;
}

/** Entries of a ledger by their first record, asked for in the order of the stream. */
class ByFirstRecord {
  readonly #entries: Map<string, SegmentEntry> = new Map();
  readonly #shard: ShardKey;
  readonly #ledger: AccountsLedger;
  #read: AsyncIterator<SegmentEntry> | undefined;

  constructor(shard: ShardKey, ledger: AccountsLedger) {
    this.#shard = shard;
    this.#ledger = ledger;
  }

  async find(first: string): Promise<SegmentEntry | undefined> {
    this.#read ??= this.#ledger
      .entriesUp(this.#shard, 0, lastEntered(await this.#ledger.readHead(this.#shard)))
      [Symbol.asyncIterator]();
    while (!this.#entries.has(first)) {
      const next = await this.#read.next();
      if (next.done === true) return undefined;
      this.#entries.set(next.value.first, next.value);
    }
    const found = this.#entries.get(first);
    // What came before is not asked for again.
    this.#entries.clear();
    return found;
  }
}

/** Whether a segment was lost before anything of it was rolled up. */
function wasNeverCounted({ lost, digest }: SegmentEntry): boolean {
  return lost && digest === '';
}

function isSame(a: Accounts, b: Accounts): boolean {
  const text = ({ rejected, ...rest }: Accounts) =>
    JSON.stringify([rest.received, rest.duplicate, rest.emitted, Object.entries(rejected).sort()]);
  return text(a) === text(b);
}
