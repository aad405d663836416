// What the ledger is written and read for: segments, acknowledgements, the dedup window, the books.
import { ID_BYTES } from '../lambdas/counting/seen-ids.ts';
import { TOUCHED_CHUNK_BYTES } from '../lambdas/counting/touched-counters.ts';
import { assumed } from './assumptions.ts';
import { READ_UNIT_BYTES, STORED_ITEM_BYTES, WRITE_UNIT_BYTES } from './quotas.ts';
import type { Segments } from './segments.ts';
import type { Workload } from './workload.ts';

/** Most bytes of ids in one item (lambdas/aws/ledger-items.ts). */
export const IDS_CHUNK_BYTES = 320_000;

/** What one segment puts into the ledger. */
export interface SegmentItems {
  readonly writeUnits: number;
  /** Of these, the ids of the dedup window. */
  readonly idWriteUnits: number;
  /** What stays for the ledger's retention. */
  readonly storedBytes: number;
  /** SEG and KEYS, which the compactor reads. */
  readonly entryBytes: number;
  readonly keysBytes: number;
}

/** A second of the ledger. */
export interface Ledger {
  readonly writeUnitsPerSecond: number;
  readonly idWriteUnitsPerSecond: number;
  readonly windowReadUnitsPerSecond: number;
  /** HEAD for each batch, and the accountant's passes. */
  readonly otherReadUnitsPerSecond: number;
  readonly storedBytesPerSecond: number;
  /** Of the busiest partition: a shard's. */
  readonly partitionWriteUnitsPerSecond: number;
  readonly segment: SegmentItems;
}

const units = (bytes: number) => Math.ceil(bytes / WRITE_UNIT_BYTES);

/** What a segment writes, acknowledgements included: one for each message, as if none met another of its segment. */
export function segmentItems(w: Workload, s: Segments): SegmentItems {
  const idBytes = s.eventsEach * ID_BYTES;
  const idChunks = Math.max(1, Math.ceil(idBytes / IDS_CHUNK_BYTES));
  const idWriteUnits = units(idBytes / idChunks + KEY_BYTES) * idChunks;
  const rawKeys = s.touchedEach * (w.entityBytes + 3);
  const keysChunks = Math.max(1, Math.ceil(rawKeys / TOUCHED_CHUNK_BYTES));
  const keysBytes = s.touchedEach * w.entityBytes * assumed('keyShare') + keysChunks * KEY_BYTES;
  const entryBytes = assumed('entryBytes') + s.messagesEach * assumed('entryPartBytes');
  return {
    idWriteUnits,
    writeUnits:
      2 * units(assumed('headBytes')) +
      idWriteUnits +
      units(keysBytes / keysChunks) * keysChunks +
      (1 + s.messagesEach) * units(entryBytes),
    storedBytes: idBytes + keysBytes + entryBytes + (1 + idChunks + keysChunks) * STORED_ITEM_BYTES,
    entryBytes,
    keysBytes,
  };
}

/** Keys and names of attributes of an IDS or KEYS item. */
const KEY_BYTES = 50;
const MINUTE_SECONDS = 60;
/** The accountant reads HEAD, BOOKS and what follows them for the books, for the claim, and for its figures. */
const ACCOUNTANT_PASSES = 3;

/** What the ledger takes a second. */
export function ledgerOf(w: Workload, s: Segments, shards: number): Ledger {
  const segment = segmentItems(w, s);
  const booksUnits = (units(assumed('booksBytes')) * shards + 1) / MINUTE_SECONDS;
  const segmentsAMinute = (s.perSecond * MINUTE_SECONDS) / shards;
  const passUnits = 2 + Math.ceil((segmentsAMinute * segment.entryBytes) / READ_UNIT_BYTES);
  const writeUnits = s.perSecond * segment.writeUnits + booksUnits;
  return {
    segment,
    writeUnitsPerSecond: writeUnits,
    idWriteUnitsPerSecond: s.perSecond * segment.idWriteUnits,
    windowReadUnitsPerSecond: s.batchesPerSecond * s.windowReadUnitsEach,
    otherReadUnitsPerSecond: s.batchesPerSecond + (ACCOUNTANT_PASSES * passUnits * shards) / MINUTE_SECONDS,
    storedBytesPerSecond: s.perSecond * segment.storedBytes,
    partitionWriteUnitsPerSecond: writeUnits / shards,
  };
}
