// A standard SQS queue: visibility, duplicates, reordering, delays, receive counts, a redrive policy, retention.
import { type MessageAttributeValue, MessageNotInflight, SQSServiceException } from '@aws-sdk/client-sqs';
import type { Clock, Crossings } from './call.ts';
import { refused } from './errors.ts';

/** A message in a queue, or one of its duplicates, which share the id but have separate states. */
export interface StoredMessage {
  readonly messageId: string;
  readonly body: string;
  readonly attributes: Readonly<Record<string, MessageAttributeValue>> | undefined;
  /** When it was first sent; a move by the redrive policy does not change it. */
  readonly enqueuedMs: number;
  firstReceivedMs: number | undefined;
  /** When its receipt was given. */
  receivedMs: number;
  visibleMs: number;
  receiveCount: number;
  receipt: string;
}

/** Longest time that a message is hidden, from its receipt on. */
export const VISIBILITY_SECONDS_MAX = 43_200;

/** How SQS behaves. */
export interface SqsOptions {
  readonly clock: Clock;
  readonly crossings: Crossings;
  /** Orders visible messages for delivery; by default, in the order they were sent. */
  readonly order?: (<T>(messages: readonly T[], queue: string) => readonly T[]) | undefined;
  /** The delays, in milliseconds, of a message's duplicates; none by default. */
  readonly copies?: ((queue: string) => readonly number[]) | undefined;
  /** How many entries of a batch are accepted; all by default. */
  readonly processed?: ((entries: number) => number) | undefined;
  /** Called for each message sent in a batch. */
  readonly onBatchEntry?: (queue: string, entry: { readonly body: string }) => void;
  /** Called for each message dropped by retention. */
  readonly onDropped?: (queue: string, message: StoredMessage) => void;
}

/** Settings of a queue; times are milliseconds. */
export interface QueueSettings {
  readonly retentionMs: number;
  readonly visibilityMs: number;
  readonly delayMs: number;
  /** The destination of messages that were received `maxReceiveCount` times. */
  readonly redrive?: { readonly maxReceiveCount: number; readonly deadLetters: FakeQueue } | undefined;
}

/** Default settings of a queue. */
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

  /** Number of messages and duplicates, including hidden ones. */
  get size(): number {
    this.#dropOld();
    return this.#messages.length;
  }

  /** All messages, in order of arrival. */
  messages(): readonly Readonly<StoredMessage>[] {
    this.#dropOld();
    return this.#messages;
  }

  /** Adds a message. @returns its id */
  send(body: string, attributes?: StoredMessage['attributes'], delayMs = this.settings.delayMs): string {
    this.#sent += 1;
    const nowMs = this.#options.clock.nowMs();
    const message: StoredMessage = {
      messageId: `${this.name}-${this.#sent}`,
      body,
      attributes,
      enqueuedMs: nowMs,
      firstReceivedMs: undefined,
      receivedMs: nowMs,
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

  /** Delivers some of the visible messages and hides them; moves those received too often to the dead letters. */
  receive(most: number, hideMs = this.settings.visibilityMs): readonly Readonly<StoredMessage>[] {
    this.#dropOld();
    const nowMs = this.#options.clock.nowMs();
    const visible = this.#messages.filter(({ visibleMs }) => visibleMs <= nowMs);
    const { order } = this.#options;
    return this.#handOut(order === undefined ? visible : order(visible, this.name), most, hideMs);
  }

  /** Delivers given messages, hidden or not: a possible result of timeouts and duplicates. */
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
      message.receivedMs = nowMs;
      message.visibleMs = nowMs + hideMs;
      message.receipt = `${this.name}/${message.messageId}/${this.#receipts}`;
      received.push(message);
    }
    return received;
  }

  /** Deletes a message by its latest receipt; an older one deletes nothing, which is possible on SQS. */
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
    // SQS counts 12 hours from the receipt, and refuses more than what is left of them.
    if (hideMs > 0)
      checkRange('VisibilityTimeout', (nowMs + hideMs - message.receivedMs) / 1000, VISIBILITY_SECONDS_MAX);
    message.visibleMs = nowMs + hideMs;
    this.onArrival(message.visibleMs);
  }

  /** Number of messages visible, hidden by a receipt, and delayed. */
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

/** Refuses a number out of its range. */
export function checkRange(name: string, value: number, most: number): void {
  if (value < 0 || value > most) throw invalid(`Value ${value} for parameter ${name} is invalid.`);
}

export function invalid(message: string): SQSServiceException {
  return new SQSServiceException({ name: 'InvalidParameterValue', $fault: 'client', ...refused(message) });
}
