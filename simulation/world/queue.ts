// A fake SQS standard queue: visibility, copies, disorder, delays, receive counts, a redrive policy, retention.
import type { MessageHistory } from '../../lambdas/counting/message-history.ts';
import type { DeliveredMessage } from '../../lambdas/dead-letter-ports.ts';
import type { Clock } from '../../lambdas/ports.ts';
import type { Random } from '../random.ts';
import { UNWATCHED, type WorldObserver } from './observer.ts';

/** A message in a queue, or one of its copies: copies share the id and have lives of their own. */
interface StoredMessage {
  readonly messageId: string;
  readonly body: string;
  readonly history: MessageHistory | undefined;
  /** When it was first sent; a move by the redrive policy does not change it. */
  readonly enqueuedMs: number;
  visibleMs: number;
  receiveCount: number;
  receipt: string;
}

/** How a queue is made. */
export interface QueueOptions {
  readonly name: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly retentionMs: number;
  /** Where messages go that were received `maxReceiveCount` times. */
  readonly redrive?: { readonly maxReceiveCount: number; readonly deadLetters: FakeQueue };
  readonly observer?: WorldObserver;
}

/** The queue's state and what the service does with it. */
export class FakeQueue {
  readonly #options: QueueOptions;
  readonly #observer: WorldObserver;
  #messages: StoredMessage[] = [];
  #sent = 0;
  #receipts = 0;
  /** No message was sent before. */
  #oldestMs = Number.POSITIVE_INFINITY;
  /** Called when a message arrives that will be visible at the given time. */
  onArrival: (visibleMs: number) => void = () => {};
  /** How many copies the next messages sent get. */
  copiesDue = 0;

  constructor(options: QueueOptions) {
    this.#options = options;
    this.#observer = options.observer ?? UNWATCHED;
  }

  /** How many messages and copies are there, hidden ones included. */
  get size(): number {
    this.#dropOld();
    return this.#messages.length;
  }

  /** When the next message can be received; undefined when there is none. */
  get nextVisibleMs(): number | undefined {
    let next: number | undefined;
    for (const { visibleMs } of this.#messages) if (next === undefined || visibleMs < next) next = visibleMs;
    return next;
  }

  /** All messages, for looking from outside. */
  messages(): readonly Readonly<Pick<StoredMessage, 'messageId' | 'body' | 'receiveCount' | 'history'>>[] {
    return this.#messages;
  }

  /** Takes a message. */
  send(body: string, history?: MessageHistory, delayMs = 0): void {
    this.#sent += 1;
    const nowMs = this.#options.clock.nowMs();
    const message = {
      messageId: `${this.#options.name}-${this.#sent}`,
      body,
      history,
      enqueuedMs: nowMs,
      visibleMs: nowMs + delayMs,
      receiveCount: 0,
      receipt: '',
    };
    this.#put(message);
    if (this.copiesDue === 0) return;
    this.copiesDue -= 1;
    this.#put({ ...message, visibleMs: message.visibleMs + this.#options.random.between(0, 120_000) });
  }

  /** Hands out some of the visible messages, in any order, and hides them. */
  receive(most: number, hideMs: number): DeliveredMessage[] {
    this.#dropOld();
    const { clock, random } = this.#options;
    const visible = this.#messages.filter(({ visibleMs }) => visibleMs <= clock.nowMs());
    return this.#handOut(random.shuffled(visible).slice(0, most), hideMs);
  }

  /** Hands out given messages, hidden or not: what time-outs and copies may come to. */
  receiveAgain(messageIds: ReadonlySet<string>): DeliveredMessage[] {
    return this.#handOut(
      this.#messages.filter(({ messageId }) => messageIds.has(messageId)),
      0,
    );
  }

  #handOut(messages: readonly StoredMessage[], hideMs: number): DeliveredMessage[] {
    const { clock, redrive } = this.#options;
    const nowMs = clock.nowMs();
    const received: DeliveredMessage[] = [];
    for (const message of messages) {
      if (redrive !== undefined && message.receiveCount >= redrive.maxReceiveCount) {
        this.#messages.splice(this.#messages.indexOf(message), 1);
        redrive.deadLetters.#put({ ...message, visibleMs: nowMs, receiveCount: 0, receipt: '' });
        continue;
      }
      message.receiveCount += 1;
      message.visibleMs = nowMs + hideMs;
      this.#receipts += 1;
      message.receipt = `${message.messageId}/${this.#receipts}`;
      const { messageId, body, history, receiveCount, receipt } = message;
      received.push({ messageId, receiptHandle: receipt, body, receiveCount, history });
    }
    return received;
  }

  /** Deletes a message by its latest receipt; an older one deletes nothing, as it may on SQS. */
  delete(receipt: string): void {
    const place = this.#messages.findIndex((message) => message.receipt === receipt);
    if (place !== -1) this.#messages.splice(place, 1);
  }

  /** Hides a message for a while from now. @returns false when it is not in flight under this receipt */
  changeVisibility(receipt: string, hideMs: number): boolean {
    const nowMs = this.#options.clock.nowMs();
    const message = this.#messages.find((stored) => stored.receipt === receipt);
    if (message === undefined || message.visibleMs <= nowMs) return false;
    message.visibleMs = nowMs + hideMs;
    this.onArrival(message.visibleMs);
    return true;
  }

  #put(message: StoredMessage): void {
    this.#messages.push(message);
    this.#oldestMs = Math.min(this.#oldestMs, message.enqueuedMs);
    this.onArrival(message.visibleMs);
  }

  #dropOld(): void {
    const horizonMs = this.#options.clock.nowMs() - this.#options.retentionMs;
    if (this.#oldestMs >= horizonMs) return;
    for (const { enqueuedMs, body } of this.#messages)
      if (enqueuedMs < horizonMs) this.#observer.messageDropped(this.#options.name, body);
    this.#messages = this.#messages.filter(({ enqueuedMs }) => enqueuedMs >= horizonMs);
    this.#oldestMs = Math.min(...this.#messages.map(({ enqueuedMs }) => enqueuedMs));
  }
}
