// Ports for messages that could not be written.
import type { MessageHistory } from './core/message-history.ts';

/** A rollup message as delivered by the queue. */
export interface DeliveredMessage {
  readonly messageId: string;
  readonly receiptHandle: string;
  readonly body: string;
  /** Deliveries since it was sent, this one included. */
  readonly receiveCount: number;
  readonly history: MessageHistory | undefined;
}

/** Handles messages that the writer could not write. */
export interface FailedMessages {
  /** Hides a message for a while before it is delivered again. */
  delay(message: DeliveredMessage, delayMs: number): Promise<void>;
  /** Sends a copy to the dead-letter queue with its history. */
  bury(message: DeliveredMessage, history: MessageHistory): Promise<void>;
}

/** A message, independent of its delivery. */
export type MessageContent = Pick<DeliveredMessage, 'messageId' | 'body'>;

/** The dead-letter queue, for redrive. */
export interface DeadLetters {
  /** Takes up to `most` dead letters, ten at most, and hides them for a while. Empty when there seem to be none. */
  take(most: number): Promise<readonly DeliveredMessage[]>;
  /** Sends a dead letter back to the rollup queue, to be delivered after a delay. */
  giveBack(message: MessageContent, history: MessageHistory, delayMs: number): Promise<void>;
  /** Keeps a dead letter in the archive with its history; repeatable. */
  park(message: DeliveredMessage, history: MessageHistory): Promise<void>;
  /** Deletes a dead letter that was given back or parked. */
  remove(message: DeliveredMessage): Promise<void>;
  /** Makes dead letters visible again; ignores those that are not held any more. */
  release(messages: readonly Pick<DeliveredMessage, 'receiptHandle'>[]): Promise<void>;
}

/** A dead letter in the archive. */
export interface ParkedMessage {
  /** `SEGMENT/PART`, or `poison/MESSAGE`. */
  readonly name: string;
  readonly body: string;
  readonly history: MessageHistory;
}

/** Who gave a dead letter up, when (ISO 8601), and why. */
export interface Discarding {
  readonly by: string;
  readonly at: string;
  readonly why: string;
}

/** The archive's parked dead letters, for operators. */
export interface ParkedMessages {
  /** The names of all of them. */
  names(): AsyncIterable<string>;
  /** @returns undefined when there is none with that name */
  read(name: string): Promise<ParkedMessage | undefined>;
  /** Stores a dead letter that was given up under `discarded/` and its name; repeatable. */
  keepDiscarded(message: ParkedMessage, discarding: Discarding): Promise<void>;
  /** Deletes a parked dead letter; repeatable. */
  remove(name: string): Promise<void>;
}
