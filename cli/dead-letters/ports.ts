// The ports of the commands on dead letters, as types.
import type { ShardKey } from '../../lambdas/core/identifiers.ts';
import type { SegmentEntry } from '../../lambdas/core/segment-entry.ts';
import type { DeliveredMessage, ParkedMessages } from '../../lambdas/dead-letter-ports.ts';
import type { OperatorPorts } from '../../lambdas/redriver/operate.ts';

/** The approximate number of messages in the queue. */
export interface QueueDepth {
  readonly visible: number;
  /** Received by another consumer (the redriver, another operator), or delayed. */
  readonly hidden: number;
}

/** The dead-letter queue, for operators. SQS cannot be browsed: messages are hidden while they are read. */
export interface WaitingMessages {
  /** Receives some messages, hidden for a minute or until released. Empty when there seem to be none left. */
  take(): Promise<readonly DeliveredMessage[]>;
  /** Makes messages visible again; ignores messages that are not held any more. */
  release(messages: readonly DeliveredMessage[]): Promise<void>;
  depth(): Promise<QueueDepth>;
}

export interface DeadLetterPorts extends OperatorPorts {
  readonly waiting: WaitingMessages;
  readonly parked: ParkedMessages;
  readonly ledger: OperatorPorts['ledger'] & {
    readEntries(shard: ShardKey, segments: readonly number[]): Promise<readonly SegmentEntry[]>;
  };
  readonly pause: (ms: number) => Promise<void>;
}
