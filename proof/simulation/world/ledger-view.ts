// The content of the ledger's table, shard by shard, updated with every change: for the oracle, never for the pipeline.
import type { Item } from '../../../fake-aws/dynamodb/values.ts';
import {
  parseSequenceNumber,
  parseShardKey,
  type ShardKey,
  segmentId,
} from '../../../lambdas/core/identifiers.ts';
import type { Head } from '../../../lambdas/core/segment.ts';
import type { SegmentEntry } from '../../../lambdas/core/segment-entry.ts';
import { entryOf, headOf } from '../../../lambdas/ledger/ledger-items.ts';
import type { StreamGap } from '../../../lambdas/ports.ts';
import type { Oracle } from '../../oracle/oracle.ts';
import { valueIn } from '../value-in.ts';

/** Entries by their items, parsed on demand: most are overwritten before they are read. */
const decoded = new WeakMap<Item, SegmentEntry>();

function decodedEntry(item: Item): SegmentEntry {
  return valueIn(decoded, item, () => entryOf(item));
}

/** Records between two that were lost unread. */
export type Gap = Pick<StreamGap, 'after' | 'before'>;

/** What the ledger keeps of one shard. */
class StoredLedger {
  readonly items = new Map<number, Item>();
  readonly gaps = new Map<string, Gap>();
  headItem: Item | undefined;

  get head(): Head | undefined {
    return this.headItem && headOf(this.headItem);
  }

  get entries(): ReadonlyMap<number, SegmentEntry> {
    return new Map([...this.items].map(([segment, item]) => [segment, decodedEntry(item)]));
  }
}

/** The ledger, seen from outside. */
export class LedgerView {
  readonly #oracle: Oracle;
  readonly #shards = new Map<ShardKey, StoredLedger>();
  /** The shards that were registered. */
  readonly listed = new Set<ShardKey>();
  /** The item with the state of compaction. */
  compaction: Item | undefined;
  /** Increases with every change to what accounts are read from: heads, entries, checkpoints, the list of shards. */
  changes = 0;

  constructor(oracle: Oracle) {
    this.#oracle = oracle;
  }

  /** Everything about a shard; empty if there is nothing yet. */
  of(shard: ShardKey): StoredLedger {
    return valueIn(this.#shards, shard, () => new StoredLedger());
  }

  /** Every shard with any item. */
  keys(): readonly ShardKey[] {
    return [...this.#shards.keys()];
  }

  /** An item of the table was written. Expired items stay, since the oracle does not forget. */
  written(before: Item | undefined, item: Item): void {
    const pk = item['pk']?.S ?? '';
    const sk = item['sk']?.S ?? '';
    const [kind] = sk.split('#', 1);
    if (pk === 'SHARDS') {
      this.listed.add(parseShardKey(sk));
      this.changes += 1;
    } else if (pk === 'CLAIM') {
      this.#oracle.watermarkRaised(Number(item['throughMs']?.N ?? 0));
    } else if (pk === 'COMPACTION') this.compaction = item;
    else if (pk === 'DELETIONS' || pk === 'GENERATIONS') return;
    else if (kind === 'SEG') this.#entryWritten(parseShardKey(pk), before, item);
    else if (kind === 'HEAD') {
      this.of(parseShardKey(pk)).headItem = item;
      this.changes += 1;
    } else if (kind === 'BOOKS') this.changes += 1;
    else if (kind === 'GAP') this.of(parseShardKey(pk)).gaps.set(sk, gapIn(item));
    else if (kind !== 'IDS') throw new Error(`the ledger's view does not know ${sk}`);
  }

  #entryWritten(shard: ShardKey, before: Item | undefined, item: Item): void {
    const segment = Number(item['segment']?.N);
    this.of(shard).items.set(segment, item);
    this.changes += 1;
    if (before === undefined) {
      this.#oracle.entryPut(shard, decodedEntry(item));
      return;
    }
    const known = new Set(before['acked']?.NS);
    const acknowledged = (item['acked']?.NS ?? []).filter((part) => !known.has(part)).map(Number);
    if (acknowledged.length > 0) {
      this.#oracle.partsAcknowledged(segmentId(shard, segment), acknowledged);
    }
  }
}

function gapIn(item: Item): Gap {
  const numberIn = (attribute: string) =>
    parseSequenceNumber((item[attribute]?.S ?? '').replace(/^0+(?=\d)/, ''));
  return { after: numberIn('after'), before: numberIn('before') };
}
