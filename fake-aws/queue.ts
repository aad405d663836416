// A standard queue of SQS: visibility, copies, disorder, delays, receive counts, a redrive policy, retention.
import { type MessageAttributeValue, MessageNotInflight } from '@aws-sdk/client-sqs';
import type { Clock, Crossings } from './call.ts';
import { refused } from './errors.ts';

/** A message in a queue, or one of its copies: copies share the id and have lives of their own. */
export interface StoredMessage {
  readonly messageId: string;
  readonly body: string;
  readonly attributes: Readonly<Record<string, MessageAttributeValue>> | undefined;
  /** When it was first sent; a move by the redrive policy does not change it. */
  readonly enqueuedMs: number;
  firstReceivedMs: number | undefined;
  visibleMs: number;
  receiveCount: number;
  receipt: string;
}

/** How SQS behaves. */
export interface SqsOptions {
  readonly clock: Clock;
  readonly crossings: Crossings;
  /** Puts visible messages into the order in which they are handed out; as they were sent by default. */
  readonly order?: (<T>(messages: readonly T[], queue: string) => readonly T[]) | undefined;
  /** The delays, in milliseconds, of the copies that a message gets; none by default. */
  readonly copies?: ((queue: string) => readonly number[]) | undefined;
  /** How many entries of a batch are taken; all by default. */
  readonly processed?: ((entries: number) => number) | undefined;
  /** Hears of each message that a batch brought. */
  readonly onBatchEntry?: (queue: string, entry: { readonly body: string }) => void;
  /** Hears of a message that retention dropped. */
  readonly onDropped?: (queue: string, message: StoredMessage) => void;
}

/** How a queue is made; times are milliseconds. */
export interface QueueSettings {
  readonly retentionMs: number;
  readonly visibilityMs: number;
  readonly delayMs: number;
  /** Where messages go that were received `maxReceiveCount` times. */
  readonly redrive?: { readonly maxReceiveCount: number; readonly deadLetters: FakeQueue } | undefined;
}

/** A queue's settings where none are given. */
export const QUEUE_SETTINGS: QueueSettings = {
  retentionMs: 4 * 86_400_000,
  visibilityMs: 30_000,
  delayMs: 0,
};

/** One queue. */
export class FakeQueue {
  readonly name: string;
  readonly settings: QueueSettings;
  readonly #options: SqsOptions;
  #messages: StoredMessage[] = [];
  #sent = 0;
  #receipts = 0;
  #oldestMs = Number.POSITIVE_INFINITY;
  /** Called when a message arrives that will be visible at the given time. */
  onArrival: (visibleMs: number) => void = () => {};

  constructor(name: string, settings: Partial<QueueSettings>, options: SqsOptions) {
    this.name = name;
    this.settings = { ...QUEUE_SETTINGS, ...settings };
    this.#options = options;
  }

  /** How many messages and copies are there, hidden ones included. */
  get size(): number {
    this.#dropOld();
    return this.#messages.length;
  }

  /** All messages, in the order in which they came. */
  messages(): readonly Readonly<StoredMessage>[] {
    this.#dropOld();
    return this.#messages;
  }

  /** Takes a message. @returns its id */
  send(body: string, attributes?: StoredMessage['attributes'], delayMs = this.settings.delayMs): string {
    this.#sent += 1;
    const nowMs = this.#options.clock.nowMs();
    const message: StoredMessage = {
      messageId: `${this.name}-${this.#sent}`,
      body,
      attributes,
      enqueuedMs: nowMs,
      firstReceivedMs: undefined,
      visibleMs: nowMs + delayMs,
      receiveCount: 0,
      receipt: '',
    };
    this.#put(message);
    for (const laterMs of this.#options.copies?.(this.name) ?? []) {
      this.#put({ ...message, visibleMs: message.visibleMs + laterMs });
    }
    return message.messageId;
  }

  /** Hands out some of the visible messages and hides them; those received too often move to the dead letters. */
  receive(most: number, hideMs = this.settings.visibilityMs): readonly Readonly<StoredMessage>[] {
    this.#dropOld();
    const nowMs = this.#options.clock.nowMs();
    const visible = this.#messages.filter(({ visibleMs }) => visibleMs <= nowMs);
    const { order } = this.#options;
    return this.#handOut(order === undefined ? visible : order(visible, this.name), most, hideMs);
  }

  /** Hands out given messages, hidden or not: what time-outs and copies may come to. */
  receiveAgain(messageIds: ReadonlySet<string>): readonly Readonly<StoredMessage>[] {
    const named = this.#messages.filter(({ messageId }) => messageIds.has(messageId));
    return this.#handOut(named, named.length, 0);
  }

  #handOut(messages: readonly StoredMessage[], most: number, hideMs: number): readonly StoredMessage[] {
    const nowMs = this.#options.clock.nowMs();
    const { redrive } = this.settings;
    const received: StoredMessage[] = [];
    for (const message of messages) {
      if (received.length === most) break;
      if (redrive !== undefined && message.receiveCount >= redrive.maxReceiveCount) {
        this.#options.crossings.note('sqs redrive policy');
        this.#messages.splice(this.#messages.indexOf(message), 1);
        redrive.deadLetters.#put({ ...message, visibleMs: nowMs, receiveCount: 0, receipt: '' });
        continue;
      }
      this.#receipts += 1;
      message.receiveCount += 1;
      message.firstReceivedMs ??= nowMs;
      message.visibleMs = nowMs + hideMs;
      message.receipt = `${this.name}/${message.messageId}/${this.#receipts}`;
      received.push(message);
    }
    return received;
  }

  /** Deletes a message by its latest receipt; an older one deletes nothing, as it may on SQS. */
  delete(receipt: string): void {
    const place = this.#messages.findIndex((message) => message.receipt === receipt);
    if (place !== -1) this.#messages.splice(place, 1);
  }

  /** Hides a message for a while from now. @throws MessageNotInflight when it is not hidden under this receipt */
  changeVisibility(receipt: string, hideMs: number): void {
    const nowMs = this.#options.clock.nowMs();
    const message = this.#messages.find((stored) => stored.receipt === receipt);
    if (message === undefined || message.visibleMs <= nowMs) {
      throw new MessageNotInflight(refused('the message is not in flight'));
    }
    message.visibleMs = nowMs + hideMs;
    this.onArrival(message.visibleMs);
  }

  /** How many messages are visible, hidden by a receipt, and delayed. */
  counts(): { readonly visible: number; readonly hidden: number; readonly delayed: number } {
    const nowMs = this.#options.clock.nowMs();
    const later = this.messages().filter(({ visibleMs }) => visibleMs > nowMs);
    const hidden = later.filter(({ receiveCount }) => receiveCount > 0).length;
    return { visible: this.#messages.length - later.length, hidden, delayed: later.length - hidden };
  }

  #put(message: StoredMessage): void {
    this.#messages.push(message);
    this.#oldestMs = Math.min(this.#oldestMs, message.enqueuedMs);
    this.onArrival(message.visibleMs);
  }

  #dropOld(): void {
    const horizonMs = this.#options.clock.nowMs() - this.settings.retentionMs;
    if (this.#oldestMs >= horizonMs) return;
    const old = this.#messages.filter(({ enqueuedMs }) => enqueuedMs < horizonMs);
    this.#messages = this.#messages.filter(({ enqueuedMs }) => enqueuedMs >= horizonMs);
    this.#oldestMs = this.#messages.reduce(
      (least, { enqueuedMs }) => Math.min(least, enqueuedMs),
      Number.POSITIVE_INFINITY,
    );
    for (const message of old) {
      this.#options.crossings.note('sqs retention');
      this.#options.onDropped?.(this.name, message);
    }
  }
}
