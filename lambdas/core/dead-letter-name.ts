// The name of a dead letter, also in the archive: its first part, or, for poison, its message's id.
import type { SegmentId } from './identifiers.ts';
import { decodeRollupMessage, InvalidRollupMessage } from './rollup-message.ts';

/** The parts of a segment that a message carries. */
export interface CarriedParts {
  readonly segment: SegmentId;
  readonly parts: readonly number[];
}

/** The parts that a message's body carries; undefined when it is not a rollup message. */
export function partsIn(body: string): CarriedParts | undefined {
  try {
    const { segment, deltas } = decodeRollupMessage(body);
    return { segment, parts: deltas.map(({ part }) => part) };
  } catch (error) {
    if (error instanceof InvalidRollupMessage) return undefined;
    throw error;
  }
}

/** `SEGMENT/PART`, such as `1.0.2s/0`, or `poison/MESSAGE`. */
export function deadLetterName({ messageId, body }: { messageId: string; body: string }): string {
  const carried = partsIn(body);
  return carried === undefined ? `poison/${messageId}` : `${carried.segment}/${carried.parts[0]}`;
}
