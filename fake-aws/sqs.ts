// SQS in memory: what each operation does when its request arrives.
import { createHash } from 'node:crypto';
import {
  BatchRequestTooLong,
  type ChangeMessageVisibilityBatchCommandInput,
  type ChangeMessageVisibilityCommandInput,
  type CreateQueueCommandInput,
  EmptyBatchRequest,
  type GetQueueAttributesCommandInput,
  QueueDoesNotExist,
  ReceiptHandleIsInvalid,
  type ReceiveMessageCommandInput,
  type SendMessageBatchCommandInput,
  SQSClient,
  TooManyEntriesInBatchRequest,
} from '@aws-sdk/client-sqs';
import type { Transport } from './call.ts';
import { makeClient, type Operations } from './client.ts';
import { onlyKnown, refused } from './errors.ts';
import {
  checkRange,
  FakeQueue,
  invalid,
  QUEUE_SETTINGS,
  type QueueSettings,
  type SqsOptions,
  type StoredMessage,
  VISIBILITY_SECONDS_MAX,
} from './queue.ts';

const MESSAGE_BYTES_MAX = 1_048_576;
const BATCH_ENTRIES_MAX = 10;
const DELAY_SECONDS_MAX = 900;

interface OnQueue {
  readonly QueueUrl: string | undefined;
}

type Entry = NonNullable<SendMessageBatchCommandInput['Entries']>[number];

/** The queues, and clients for them. A queue's URL ends in its name. */
export class FakeSqs {
  readonly #options: SqsOptions;
  readonly #queues = new Map<string, FakeQueue>();
  readonly #operations: Operations = {
    CreateQueue: (input: CreateQueueCommandInput) => {
      const { QueueName = '', Attributes = {} } = input;
      this.addQueue(QueueName, this.#settingsOf(Attributes));
      return { QueueUrl: this.url(QueueName) };
    },
    DeleteQueue: ({ QueueUrl }: OnQueue) => {
      this.#queues.delete(this.queue(QueueUrl).name);
      return {};
    },
    SendMessage: (input: OnQueue & Omit<Entry, 'Id'>) => this.#send(this.queue(input.QueueUrl), input),
    SendMessageBatch: (input) => this.#sendBatch(input),
    ReceiveMessage: (input) => this.#receive(input),
    DeleteMessage: ({ QueueUrl, ReceiptHandle }: OnQueue & { ReceiptHandle: string }) => {
      this.queue(QueueUrl).delete(this.#receipt(QueueUrl, ReceiptHandle));
      return {};
    },
    ChangeMessageVisibility: (input) => this.#changeVisibility(input),
    ChangeMessageVisibilityBatch: (input) => this.#changeVisibilities(input),
    GetQueueAttributes: (input) => this.#attributes(input),
  };

  constructor(options: SqsOptions) {
    this.#options = options;
  }

  /** A client whose calls go through a transport. */
  client(transport?: Transport): SQSClient {
    return makeClient(SQSClient.prototype, 'sqs', this.#operations, transport);
  }

  /** Makes a queue. */
  addQueue(name: string, settings: Partial<QueueSettings> = {}): FakeQueue {
    const queue = new FakeQueue(name, settings, this.#options);
    this.#queues.set(name, queue);
    return queue;
  }

  /** A queue's URL. */
  url(name: string): string {
    return `https://sqs.us-east-1.amazonaws.com/000000000000/${name}`;
  }

  /** A queue by its URL. @throws QueueDoesNotExist */
  queue(url: string | undefined): FakeQueue {
    const queue = this.#queues.get(url?.slice(url.lastIndexOf('/') + 1) ?? '');
    if (queue === undefined) throw new QueueDoesNotExist(refused('The specified queue does not exist.'));
    return queue;
  }

  #settingsOf(attributes: Readonly<Record<string, string>>): Partial<QueueSettings> {
    const known = 'MessageRetentionPeriod VisibilityTimeout DelaySeconds RedrivePolicy';
    onlyKnown('CreateQueue', attributes, known);
    const { MessageRetentionPeriod, VisibilityTimeout, DelaySeconds, RedrivePolicy } = attributes;
    const ms = (seconds: string | undefined, usual: number) =>
      seconds === undefined ? usual : Number(seconds) * 1000;
    const { maxReceiveCount, deadLetterTargetArn } = JSON.parse(RedrivePolicy ?? '{}');
    const deadLetters = this.#queues.get(String(deadLetterTargetArn).split(':').at(-1) ?? '');
    return {
      retentionMs: ms(MessageRetentionPeriod, QUEUE_SETTINGS.retentionMs),
      visibilityMs: ms(VisibilityTimeout, QUEUE_SETTINGS.visibilityMs),
      delayMs: ms(DelaySeconds, 0),
      redrive: deadLetters && { maxReceiveCount: Number(maxReceiveCount), deadLetters },
    };
  }

  #send(queue: FakeQueue, { MessageBody = '', DelaySeconds, MessageAttributes }: Omit<Entry, 'Id'>) {
    if (MessageBody === '') throw invalid('The request must contain the parameter MessageBody.');
    if (DelaySeconds !== undefined) checkRange('DelaySeconds', DelaySeconds, DELAY_SECONDS_MAX);
    if (bytesOf(MessageBody, MessageAttributes) > MESSAGE_BYTES_MAX) {
      throw invalid(
        'One or more parameters are invalid. Reason: Message must be shorter than 1048576 bytes.',
      );
    }
    const delayMs = DelaySeconds === undefined ? undefined : DelaySeconds * 1000;
    const MessageId = queue.send(MessageBody, MessageAttributes, delayMs);
    return { MessageId, MD5OfMessageBody: createHash('md5').update(MessageBody).digest('hex') };
  }

  #sendBatch({ QueueUrl, Entries = [] }: SendMessageBatchCommandInput): object {
    const queue = this.queue(QueueUrl);
    const { processed, crossings, onBatchEntry } = this.#options;
    checkEntries(Entries);
    const bytes = Entries.reduce(
      (sum, entry) => sum + bytesOf(entry.MessageBody ?? '', entry.MessageAttributes),
      0,
    );
    if (bytes > MESSAGE_BYTES_MAX) {
      throw new BatchRequestTooLong(refused('Batch requests cannot be longer than 1048576 bytes.'));
    }
    const taken = processed?.(Entries.length) ?? Entries.length;
    if (taken < Entries.length) crossings.note('sqs batch partly taken');
    for (const { MessageBody: body = '' } of Entries.slice(0, taken)) onBatchEntry?.(queue.name, { body });
    const Successful = Entries.slice(0, taken).map(({ Id, ...entry }) => ({
      Id,
      ...this.#send(queue, entry),
    }));
    const Failed = Entries.slice(taken).map(({ Id }) => ({ Id, Code: 'InternalError', SenderFault: false }));
    return { Successful, ...(Failed.length > 0 && { Failed }) };
  }

  #changeVisibility(input: ChangeMessageVisibilityCommandInput): object {
    const { QueueUrl, ReceiptHandle, VisibilityTimeout = 0 } = input;
    checkRange('VisibilityTimeout', VisibilityTimeout, VISIBILITY_SECONDS_MAX);
    const receipt = this.#receipt(QueueUrl, ReceiptHandle);
    this.queue(QueueUrl).changeVisibility(receipt, VisibilityTimeout * 1000);
    return {};
  }

  #changeVisibilities({ QueueUrl, Entries = [] }: ChangeMessageVisibilityBatchCommandInput): object {
    checkEntries(Entries);
    const Successful: object[] = [];
    const Failed: object[] = [];
    for (const { Id, ReceiptHandle, VisibilityTimeout } of Entries) {
      try {
        this.#changeVisibility({ QueueUrl, ReceiptHandle, VisibilityTimeout });
        Successful.push({ Id });
      } catch (error) {
        Failed.push({ Id, Code: (error as Error).name, SenderFault: true });
      }
    }
    return { Successful, Failed };
  }

  #receive(input: ReceiveMessageCommandInput): object {
    const known =
      'QueueUrl MaxNumberOfMessages VisibilityTimeout WaitTimeSeconds MessageAttributeNames MessageSystemAttributeNames';
    onlyKnown('ReceiveMessage', input, known);
    const { MaxNumberOfMessages: most = 1, VisibilityTimeout, MessageAttributeNames: names = [] } = input;
    if (most < 1 || most > 10) throw invalid(`Value ${most} for parameter MaxNumberOfMessages is invalid.`);
    const hideMs = VisibilityTimeout === undefined ? undefined : VisibilityTimeout * 1000;
    const messages = this.queue(input.QueueUrl).receive(most, hideMs);
    if (messages.length === 0) return {};
    return { Messages: messages.map((message) => received(message, names)) };
  }

  /** A receipt handle. @throws ReceiptHandleIsInvalid when it does not belong to this queue */
  #receipt(url: string | undefined, handle: string | undefined): string {
    if (handle?.startsWith(`${this.queue(url).name}/`)) return handle;
    throw new ReceiptHandleIsInvalid(refused(`The input receipt handle "${handle}" is not valid.`));
  }

  #attributes({ QueueUrl, AttributeNames = [] }: GetQueueAttributesCommandInput): object {
    const queue = this.queue(QueueUrl);
    const { visible, hidden, delayed } = queue.counts();
    const all: Record<string, string> = {
      QueueArn: `arn:aws:sqs:us-east-1:000000000000:${queue.name}`,
      ApproximateNumberOfMessages: String(visible),
      ApproximateNumberOfMessagesNotVisible: String(hidden),
      ApproximateNumberOfMessagesDelayed: String(delayed),
    };
    const wanted = Object.entries(all).filter(
      ([name]) => AttributeNames.includes('All') || AttributeNames.includes(name as 'All'),
    );
    return { Attributes: Object.fromEntries(wanted) };
  }
}

function received(message: Readonly<StoredMessage>, names: readonly string[]): object {
  const attributes = Object.entries(message.attributes ?? {}).filter(
    ([name]) => names.includes('All') || names.includes(name),
  );
  return {
    MessageId: message.messageId,
    ReceiptHandle: message.receipt,
    Body: message.body,
    MD5OfBody: createHash('md5').update(message.body).digest('hex'),
    Attributes: {
      ApproximateReceiveCount: String(message.receiveCount),
      SentTimestamp: String(message.enqueuedMs),
      ApproximateFirstReceiveTimestamp: String(message.firstReceivedMs),
    },
    ...(attributes.length > 0 && { MessageAttributes: Object.fromEntries(attributes) }),
  };
}

function bytesOf(body: string, attributes: StoredMessage['attributes']): number {
  const extra = Object.entries(attributes ?? {}).map(
    ([name, { DataType = '', StringValue = '', BinaryValue }]) =>
      Buffer.byteLength(name + DataType + StringValue) + (BinaryValue?.byteLength ?? 0),
  );
  return extra.reduce((sum, bytes) => sum + bytes, Buffer.byteLength(body));
}

function checkEntries({ length }: readonly object[]): void {
  if (length === 0) throw new EmptyBatchRequest(refused('There should be at least one entry.'));
  if (length > BATCH_ENTRIES_MAX)
    throw new TooManyEntriesInBatchRequest(refused(`Maximum number of entries per request are 10.`));
}
