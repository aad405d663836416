// The queues' and the archive's ports over the fakes: the same requests in the same order as the adapters make.
import type { SegmentId } from '../../lambdas/counting/identifiers.ts';
import { letterName } from '../../lambdas/counting/letter-name.ts';
import type { MessageHistory } from '../../lambdas/counting/message-history.ts';
import type { RawObject } from '../../lambdas/counting/raw-segment.ts';
import type { RejectedEvent } from '../../lambdas/counting/rollup.ts';
import type { RollupContent, RollupMessage } from '../../lambdas/counting/rollup-message.ts';
import type {
  DeadLetters,
  DeliveredMessage,
  Discarding,
  FailedMessages,
  Letter,
  ParkedLetter,
  ParkedLetters,
} from '../../lambdas/dead-letter-ports.ts';
import type { ExpiredArchive, RejectedArchive, RollupQueue } from '../../lambdas/ports.ts';
import type { RawArchive } from '../../lambdas/raw-ports.ts';
import type { Network, Service } from './network.ts';
import { ServiceError } from './network.ts';
import { UNWATCHED, type WorldObserver } from './observer.ts';
import type { FakeQueue } from './queue.ts';

/** How many messages one SendMessageBatch takes; smaller than on SQS, so that small histories have several batches. */
const BATCH_MESSAGES = 3;
const SEND_TRIES = 3;

/** Which entries of a batch fail although the call answers 200: how many leading ones are taken. */
export interface PartialSends {
  /** @returns how many of the entries are taken this time */
  taken(entries: number): number;
}

/** The sending end of the rollup queue. */
export class RollupQueueClient implements RollupQueue {
  readonly #queue: FakeQueue;
  readonly #network: Network;
  readonly #observer: WorldObserver;
  readonly #partial: PartialSends;

  constructor(
    queue: FakeQueue,
    network: Network,
    observer: WorldObserver = UNWATCHED,
    partial?: PartialSends,
  ) {
    this.#queue = queue;
    this.#network = network;
    this.#observer = observer;
    this.#partial = partial ?? { taken: (entries) => entries };
  }

  async send(messages: readonly RollupMessage[]): Promise<void> {
    for (let at = 0; at < messages.length; at += BATCH_MESSAGES) {
      let missing = messages.slice(at, at + BATCH_MESSAGES);
      for (let tries = 0; missing.length > 0; tries += 1) {
        if (tries === SEND_TRIES)
          throw new ServiceError('MessagesNotSent', { service: 'sqs', operation: 'sendBatch' });
        const batch = missing;
        const subject = batch.map(({ segment, part }) => `${segment}/${part}`).join(' ');
        const taken = await call(this.#network, 'sqs', 'sendBatch', subject, () => this.#take(batch));
        missing = missing.slice(taken);
      }
    }
  }

  #take(batch: readonly RollupMessage[]): number {
    const taken = this.#partial.taken(batch.length);
    for (const { body } of batch.slice(0, taken)) {
      this.#observer.rollupSent(body);
      this.#queue.send(body);
    }
    return taken;
  }
}

/** What the writer does with messages that failed. */
export class FailedMessagesClient implements FailedMessages {
  readonly #queue: FakeQueue;
  readonly #deadLetters: FakeQueue;
  readonly #network: Network;

  constructor(queue: FakeQueue, deadLetters: FakeQueue, network: Network) {
    this.#queue = queue;
    this.#deadLetters = deadLetters;
    this.#network = network;
  }

  async delay({ messageId, receiptHandle }: DeliveredMessage, delayMs: number): Promise<void> {
    const change = () => this.#queue.changeVisibility(receiptHandle, delayMs);
    const inFlight = await call(this.#network, 'sqs', 'changeVisibility', messageId, change);
    if (!inFlight)
      throw new ServiceError('MessageNotInflight', { service: 'sqs', operation: 'changeVisibility' });
  }

  async bury({ messageId, body }: DeliveredMessage, history: MessageHistory): Promise<void> {
    const bury = () => this.#deadLetters.send(body, history);
    await call(this.#network, 'sqs', 'bury', `${messageId}: ${history.reason}`, bury);
  }
}

/** The dead-letter queue as redrive uses it. */
export class DeadLettersClient implements DeadLetters {
  readonly #queue: FakeQueue;
  readonly #deadLetters: FakeQueue;
  readonly #archive: FakeArchive;
  readonly #network: Network;

  constructor(queue: FakeQueue, deadLetters: FakeQueue, archive: FakeArchive, network: Network) {
    this.#queue = queue;
    this.#deadLetters = deadLetters;
    this.#archive = archive;
    this.#network = network;
  }

  take(most: number): Promise<readonly DeliveredMessage[]> {
    return call(this.#network, 'sqs', 'take', '', () => this.#deadLetters.receive(most, 60_000));
  }

  async giveBack(message: Letter, history: MessageHistory, delayMs: number): Promise<void> {
    const send = () => this.#queue.send(message.body, history, delayMs);
    await call(this.#network, 'sqs', 'giveBack', message.messageId, send);
  }

  async park({ messageId, body }: DeliveredMessage, history: MessageHistory): Promise<void> {
    const name = letterName({ messageId, body });
    const put = () => this.#archive.put(`parked/${name}.json`, JSON.stringify({ history, body }));
    await call(this.#network, 's3', 'park', name, put);
  }

  async remove({ messageId, receiptHandle }: DeliveredMessage): Promise<void> {
    await call(this.#network, 'sqs', 'remove', messageId, () => this.#deadLetters.delete(receiptHandle));
  }
}

/** The archive bucket's state. */
export class FakeArchive {
  readonly objects = new Map<string, string>();
  readonly #observer: WorldObserver;

  constructor(observer: WorldObserver = UNWATCHED) {
    this.#observer = observer;
  }

  /** The names of parked letters, poison included. */
  parkedNames(): string[] {
    const matches = [...this.objects.keys()].map((key) => /^parked\/(.+)\.json$/.exec(key)?.[1]);
    return matches.filter((name) => name !== undefined);
  }

  put(key: string, body: string): void {
    this.objects.set(key, body);
    this.#observer.archived(key, body);
  }
}

/** The archive as the functions and an operator use it. */
export class ArchiveClient implements RejectedArchive, ExpiredArchive, ParkedLetters, RawArchive {
  readonly #archive: FakeArchive;
  readonly #network: Network;

  constructor(archive: FakeArchive, network: Network) {
    this.#archive = archive;
    this.#network = network;
  }

  async keepRejected(segment: SegmentId, rejected: readonly RejectedEvent[]): Promise<void> {
    const events = rejected.map(({ sequenceNumber, index, reason }) => ({ sequenceNumber, index, reason }));
    await this.#put(`rejected/${segment}.ndjson`, JSON.stringify(events));
  }

  async keepRaw({ key, markers, text }: RawObject): Promise<void> {
    for (const marker of markers) await this.#put(marker, '');
    await this.#put(key, text);
  }

  async keepExpired(content: RollupContent): Promise<void> {
    await this.#put(`expired/${content.segment}/${content.part}.json`, JSON.stringify(content));
  }

  async *names(): AsyncIterable<string> {
    yield* await call(this.#network, 's3', 'list', 'parked/', () => this.#archive.parkedNames());
  }

  async read(name: string): Promise<ParkedLetter | undefined> {
    const get = () => this.#archive.objects.get(`parked/${name}.json`);
    const text = await call(this.#network, 's3', 'get', name, get);
    return text === undefined ? undefined : { name, ...JSON.parse(text) };
  }

  async keepDiscarded({ name, body, history }: ParkedLetter, discarded: Discarding): Promise<void> {
    await this.#put(`discarded/${name}.json`, JSON.stringify({ discarded, history, body }));
  }

  async remove(name: string): Promise<void> {
    await call(this.#network, 's3', 'delete', name, () =>
      this.#archive.objects.delete(`parked/${name}.json`),
    );
  }

  #put(key: string, body: string): Promise<void> {
    return call(this.#network, 's3', 'put', key, () => this.#archive.put(key, body));
  }
}

function call<T>(
  network: Network,
  service: Service,
  operation: string,
  subject: string,
  effect: () => T,
): Promise<T> {
  return network.call({ service, operation, subject, effect });
}
