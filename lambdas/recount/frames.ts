// Frames: the rows of one part of a segment in one hash range, spilled to disk.
import { type ShardKey, segmentId } from '../core/identifiers.ts';

/** The identity of a frame. */
export interface FrameName {
  readonly shard: ShardKey;
  readonly segment: number;
  readonly part: number;
  /** The running maximum of arrivals of the segment, epoch milliseconds. */
  readonly runMaxMs: number;
}

export interface Frame extends FrameName {
  /** Uncompressed rows, see `readLaid`. */
  readonly laid: Uint8Array;
}

/** Encodes a frame: a line of JSON, then the rows. @param laid from `layRows` */
export function encodeFrame({ shard, segment, part, runMaxMs }: FrameName, laid: Uint8Array): Uint8Array {
  return Buffer.concat([Buffer.from(`${JSON.stringify([shard, segment, part, runMaxMs])}\n`), laid]);
}

export function decodeFrame(bytes: Uint8Array): Frame {
  const end = bytes.indexOf(10);
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, end).toString('utf8');
  const [shard, segment, part, runMaxMs] = JSON.parse(text) as [ShardKey, number, number, number];
  return { shard, segment, part, runMaxMs, laid: bytes.subarray(end + 1) };
}

/** A part's display name: `1.0.2s/0`. */
export function partName({ shard, segment, part }: Pick<FrameName, 'shard' | 'segment' | 'part'>): string {
  return `${segmentId(shard, segment)}/${part}`;
}
