// Frames: the rows of one part of a segment in one hash range, as they are set aside on disk.
import { type ShardKey, segmentId } from '../core/identifiers.ts';

/** What a frame's rows are of. */
export interface FrameName {
  readonly shard: ShardKey;
  readonly segment: number;
  readonly part: number;
  /** The running maximum of arrivals of the segment, epoch milliseconds. */
  readonly runMaxMs: number;
}

/** A frame that was read. */
export interface Frame extends FrameName {
  /** Rows laid out, see `readLaid`. */
  readonly laid: Uint8Array;
}

/** A frame as bytes: a line of JSON, then the rows. @param laid by `layRows` */
export function encodeFrame({ shard, segment, part, runMaxMs }: FrameName, laid: Uint8Array): Uint8Array {
  return Buffer.concat([Buffer.from(`${JSON.stringify([shard, segment, part, runMaxMs])}\n`), laid]);
}

/** Reads a frame. */
export function decodeFrame(bytes: Uint8Array): Frame {
  const end = bytes.indexOf(10);
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, end).toString('utf8');
  const [shard, segment, part, runMaxMs] = JSON.parse(text) as [ShardKey, number, number, number];
  return { shard, segment, part, runMaxMs, laid: bytes.subarray(end + 1) };
}

/** A part's name for people: `1.0.2s/0`. */
export function partName({ shard, segment, part }: Pick<FrameName, 'shard' | 'segment' | 'part'>): string {
  return `${segmentId(shard, segment)}/${part}`;
}
