// Branded names that must not be mixed up: shards, sequence numbers, segments and their parts.

declare const brand: unique symbol;
type Branded<Base, Name extends string> = Base & { readonly [brand]: Name };

/** A shard's name in Kinesis: `shardId-000000000003`. */
export type ShardId = Branded<string, 'ShardId'>;

/** A Kinesis sequence number: up to 56 decimal digits, ascending within a shard. Too long for a DynamoDB number, so a string. */
export type SequenceNumber = Branded<string, 'SequenceNumber'>;

/** A shard within one generation of the stream, `generation.shard` with the shard's number in base 36: `1.3`. */
export type ShardKey = Branded<string, 'ShardKey'>;

/** A segment's name: its shard key and its number in base 36, `1.3.2s`. */
export type SegmentId = Branded<string, 'SegmentId'>;

/** One part of a segment: the segment, and the part's number within it, from 0. */
export interface PartName {
  readonly segment: SegmentId;
  readonly part: number;
}

/** An identifier in the wrong format. */
export class InvalidIdentifier extends Error {
  override readonly name = 'InvalidIdentifier';
}

const SHARD_ID = /^shardId-(\d{12,})$/;
const GENERATION = /^[A-Za-z0-9]{1,8}$/;
const SHARD_KEY = /^([A-Za-z0-9]{1,8})\.([0-9a-z]+)$/;
const SEGMENT_ID = /^([A-Za-z0-9]{1,8}\.[0-9a-z]+)\.([0-9a-z]+)$/;
const SEQUENCE_NUMBER = /^(0|[1-9]\d*)$/;

/** Parses a shard id. @throws InvalidIdentifier unless it is `shardId-` and at least 12 digits. */
export function parseShardId(text: string): ShardId {
  if (!SHARD_ID.test(text)) throw new InvalidIdentifier(`"${text}" is not a Kinesis shard id`);
  return text as ShardId;
}

/** Parses a sequence number. @throws InvalidIdentifier unless it is a decimal number without leading zeros. */
export function parseSequenceNumber(text: string): SequenceNumber {
  if (!SEQUENCE_NUMBER.test(text)) throw new InvalidIdentifier(`"${text}" is not a Kinesis sequence number`);
  return text as SequenceNumber;
}

/** Less than every record's sequence number. */
export const BEFORE_ALL = '0' as SequenceNumber;

/** Greater than every record's sequence number. */
export const AFTER_ALL = '9'.repeat(56) as SequenceNumber;

/** Orders two sequence numbers of one shard: by length, then by text, since neither has leading zeros. */
export function compareSequenceNumbers(a: SequenceNumber, b: SequenceNumber): number {
  if (a.length !== b.length) return a.length - b.length;
  return a < b ? -1 : a > b ? 1 : 0;
}

/**
 * A shard's key in the ledger. It contains the generation, so that a replaced stream, or a ledger restored from a
 * backup, never reuses a segment id.
 */
export function shardKey(generation: string, shard: ShardId): ShardKey {
  if (!GENERATION.test(generation)) {
    throw new InvalidIdentifier(`stream generation "${generation}" is not 1 to 8 letters or digits`);
  }
  return `${generation}.${Number(shard.slice('shardId-'.length)).toString(36)}` as ShardKey;
}

/** Parses a shard key. @throws InvalidIdentifier unless it is `generation.shard`. */
export function parseShardKey(text: string): ShardKey {
  if (!SHARD_KEY.test(text)) throw new InvalidIdentifier(`"${text}" is not a shard key`);
  return text as ShardKey;
}

/** The Kinesis shard of a shard key. */
export function shardIdOf(shard: ShardKey): ShardId {
  const number = Number.parseInt(shard.slice(shard.indexOf('.') + 1), 36);
  return `shardId-${String(number).padStart(12, '0')}` as ShardId;
}

/** The name of a shard's segment. `segment` counts from 1. */
export function segmentId(shard: ShardKey, segment: number): SegmentId {
  return `${shard}.${segment.toString(36)}` as SegmentId;
}

/** Parses a segment's name. @throws InvalidIdentifier when it is invalid */
export function parseSegmentId(text: string): { id: SegmentId; shard: ShardKey; segment: number } {
  const match = SEGMENT_ID.exec(text);
  if (match === null) throw new InvalidIdentifier(`"${text}" is not a segment id`);
  const [, shard, number] = match as unknown as [string, string, string];
  return { id: text as SegmentId, shard: shard as ShardKey, segment: Number.parseInt(number, 36) };
}
