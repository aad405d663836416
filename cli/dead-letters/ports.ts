// What the commands on dead letters need from outside, as types.
import type { ShardKey } from '../../lambdas/core/identifiers.ts';
import type { SegmentEntry } from '../../lambdas/core/segment-entry.ts';
import type { DeliveredMessage, ParkedLetters } from '../../lambdas/dead-letter-ports.ts';
import type { OperatorPorts } from '../../lambdas/redriver/operate.ts';

/** A dead letter that was taken from the queue. */
export interface WaitingLetter extends DeliveredMessage {
  /** When it came into the queue, epoch milliseconds. */
  readonly sentAtMs: number;
}

/** How many messages the queue says it has, about. */
export interface QueueDepth {
  readonly visible: number;
  /** Held by somebody (the redriver, another operator), or not due yet. */
  readonly hidden: number;
}

/** The dead-letter queue for an operator. SQS cannot be browsed: messages are hidden while they are read. */
export interface WaitingLetters {
  /** Takes some messages; they are hidden for a minute, or until released. Empty when there seem to be none left. */
  take(): Promise<readonly WaitingLetter[]>;
  /** Makes messages visible again; one that is not held any more is no error. */
  release(letters: readonly WaitingLetter[]): Promise<void>;
  depth(): Promise<QueueDepth>;
}

/** Everything the commands work with. */
export interface DeadLetterPorts extends OperatorPorts {
  readonly waiting: WaitingLetters;
  readonly parked: ParkedLetters;
  readonly ledger: OperatorPorts['ledger'] & {
    readEntries(shard: ShardKey, segments: readonly number[]): Promise<readonly SegmentEntry[]>;
  };
  readonly pause: (ms: number) => Promise<void>;
}
