// A queue as mappings, operators and the oracle see it: the fake service's, with messages as the writer receives them.
import type { FakeQueue, StoredMessage } from '../../../fake-aws/queue.ts';
import { HISTORY_ATTRIBUTE } from '../../../lambdas/aws/rollup-queue.ts';
import { parseHistory } from '../../../lambdas/core/message-history.ts';
import type { DeliveredMessage } from '../../../lambdas/dead-letter-ports.ts';

/** One queue. */
export class WorldQueue {
  readonly #queue: FakeQueue;
  /** How many of the next messages sent get a copy. */
  copiesDue = 0;

  constructor(queue: FakeQueue) {
    this.#queue = queue;
  }

  /** Called when a message arrives that will be visible at the given time. */
  set onArrival(arrived: (visibleMs: number) => void) {
    this.#queue.onArrival = arrived;
  }

  /** How many messages and copies are there, hidden ones included. */
  get size(): number {
    return this.#queue.size;
  }

  /** All messages. */
  messages(): readonly Readonly<StoredMessage>[] {
    return this.#queue.messages();
  }

  /** Puts in a message that a person sent. */
  send(body: string): void {
    this.#queue.send(body);
  }

  /** Receives some of the visible messages, in any order, and hides them. */
  receive(most: number, hideMs: number): DeliveredMessage[] {
    return this.#queue.receive(most, hideMs).map(delivered);
  }

  /** Receives given messages, hidden or not, as after time-outs and copies. */
  receiveAgain(messageIds: ReadonlySet<string>): DeliveredMessage[] {
    return this.#queue.receiveAgain(messageIds).map(delivered);
  }

  /** Deletes a message by its latest receipt. */
  delete(receipt: string): void {
    this.#queue.delete(receipt);
  }
}

function delivered({ messageId, receipt, body, receiveCount, attributes }: StoredMessage): DeliveredMessage {
  const history = parseHistory(attributes?.[HISTORY_ATTRIBUTE]?.StringValue);
  return { messageId, receiptHandle: receipt, body, receiveCount, history };
}
