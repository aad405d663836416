// The name of a dead letter: its part's, or, for poison, its message's. The archive keeps it under this name.
import type { PartName } from './identifiers.ts';
import { decodeRollupMessage, InvalidRollupMessage } from './rollup-message.ts';

/** The part that a message's body carries; undefined when it is no rollup message. */
export function partIn(body: string): PartName | undefined {
  try {
    const { segment, part } = decodeRollupMessage(body);
    return { segment, part };
  } catch (error) {
    if (error instanceof InvalidRollupMessage) return undefined;
    throw error;
  }
}

/** `SEGMENT/PART`, such as `1.0.2s/0`, or `poison/MESSAGE`. */
export function letterName({ messageId, body }: { messageId: string; body: string }): string {
  const part = partIn(body);
  return part === undefined ? `poison/${messageId}` : `${part.segment}/${part.part}`;
}
