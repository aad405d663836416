// What the ledger's table holds, shard by shard, kept up with every change: for the oracle, never for the pipeline.
import type { Item } from '../../../fake-aws/dynamodb/values.ts';
import { type Books, EMPTY_BOOKS } from '../../../lambdas/core/books.ts';
import {
  parseSequenceNumber,
  parseShardKey,
  type ShardKey,
  segmentId,
} from '../../../lambdas/core/identifiers.ts';
import type { Head } from '../../../lambdas/core/segment.ts';
import type { SegmentEntry } from '../../../lambdas/core/segment-entry.ts';
import { booksOf, entryOf, headOf } from '../../../lambdas/ledger/ledger-items.ts';
import type { StreamGap } from '../../../lambdas/ports.ts';
import type { WorldObserver } from './observer.ts';

/** What the ledger keeps of one shard. */
export interface StoredLedger {
  head: Head | undefined;
  readonly entries: Map<number, SegmentEntry>;
  /** Packed ids by `segment/chunk`. */
  readonly ids: Map<string, Uint8Array>;
  readonly gaps: Map<string, StreamGap>;
  books: Books;
}

/** The ledger, seen from outside. */
export class LedgerView {
  readonly #observer: WorldObserver;
  readonly #shards = new Map<ShardKey, StoredLedger>();
  readonly #listed = new Set<ShardKey>();
  /** The published `completeThrough`, epoch milliseconds; 0 as long as there is none. */
  claimMs = 0;
  /** The item with the state of compaction. */
  compaction: Item | undefined;
  /** Grows with every change of what accounts are read from: heads, entries, books, the list of shards. */
  changes = 0;

  constructor(observer: WorldObserver) {
    this.#observer = observer;
  }

  /** Everything kept of a shard; an empty ledger when there is nothing yet. */
  of(shard: ShardKey): StoredLedger {
    let stored = this.#shards.get(shard);
    if (stored === undefined) {
      stored = {
        head: undefined,
        entries: new Map(),
        ids: new Map(),
        gaps: new Map(),
        books: EMPTY_BOOKS,
      };
      this.#shards.set(shard, stored);
    }
    return stored;
  }

  /** Every shard of which anything is kept. */
  keys(): readonly ShardKey[] {
    return [...this.#shards.keys()];
  }

  /** The shards that were registered. */
  listed(): readonly ShardKey[] {
    return [...this.#listed].sort();
  }

  /** An item of the table was written. What expired stays in view: the oracle does not forget. */
  written(before: Item | undefined, item: Item): void {
    const pk = item['pk']?.S ?? '';
    const sk = item['sk']?.S ?? '';
    const [kind, segment = '', chunk] = sk.split('#');
    if (pk === 'SHARDS') {
      this.#listed.add(parseShardKey(sk));
      this.changes += 1;
    } else if (pk === 'CLAIM') {
      this.claimMs = Number(item['throughMs']?.N ?? 0);
      this.#observer.claimRaised(this.claimMs);
    } else if (pk === 'COMPACTION') this.compaction = item;
    else if (pk === 'DELETIONS' || pk === 'GENERATIONS') return;
    else if (kind === 'SEG') this.#entryWritten(parseShardKey(pk), before, item);
    else if (kind === 'HEAD') {
      this.of(parseShardKey(pk)).head = headOf(item);
      this.changes += 1;
    } else if (kind === 'BOOKS') {
      this.of(parseShardKey(pk)).books = booksOf(item);
      this.changes += 1;
    } else {
      const ledger = this.of(parseShardKey(pk));
      const name = `${Number(segment)}/${chunk}`;
      if (kind === 'IDS') ledger.ids.set(name, item['ids']?.B ?? new Uint8Array());
      else if (kind === 'GAP') ledger.gaps.set(sk, gapIn(item));
      else throw new Error(`the ledger's view does not know ${sk}`);
    }
  }

  #entryWritten(shard: ShardKey, before: Item | undefined, item: Item): void {
    const entry = entryOf(item);
    this.of(shard).entries.set(entry.segment, entry);
    this.changes += 1;
    if (before === undefined) {
      this.#observer.entryPut(shard, entry);
      return;
    }
    const known = new Set(before['acked']?.NS);
    const acknowledged = (item['acked']?.NS ?? []).filter((part) => !known.has(part)).map(Number);
    if (acknowledged.length > 0) {
      this.#observer.partsAcknowledged(segmentId(shard, entry.segment), acknowledged);
    }
  }
}

function gapIn(item: Item): StreamGap {
  const numberIn = (attribute: string) =>
    parseSequenceNumber((item[attribute]?.S ?? '').replace(/^0+(?=\d)/, ''));
  return {
    after: numberIn('after'),
    before: numberIn('before'),
    noticedAtMs: Date.parse(item['noticedAt']?.S ?? ''),
  };
}
