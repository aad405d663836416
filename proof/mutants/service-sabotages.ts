// The sabotages of the adapters of Kinesis and SQS, hunted by the contract tests.
import type { Sabotage } from './sabotage.ts';

const LOG = 'lambdas/aws/stream-log.ts';
const QUEUE = 'lambdas/aws/rollup-queue.ts';
const DEAD_LETTERS = 'lambdas/redriver/dead-letters.aws.ts';

function hunted(test: string) {
  return (name: string, file: string, find: string, put: string): Sabotage => ({
    name: `adapter: ${name}`,
    edits: [{ file, find, put }],
    tests: [`test/contract/${test}.test.ts`],
  });
}
const byStream = hunted('stream-log');
const byQueues = hunted('queues');
const byFaults = hunted('faulty-answers');

export const SERVICE_SABOTAGES: readonly Sabotage[] = [
  byFaults(
    'an empty page taken for the end',
    LOG,
    'if (records.length === 0 && page.MillisBehindLatest === 0) return;',
    'if (records.length === 0) return;',
  ),
  byFaults(
    'a trimmed start is an error',
    LOG,
    "if (!(error instanceof InvalidArgumentException) || type === 'TRIM_HORIZON') throw error;",
    'if (error instanceof InvalidArgumentException) throw error;',
  ),
  byStream(
    'a range ends with its first page',
    LOG,
    'if (newest !== undefined && compareSequenceNumbers(newest.sequenceNumber, last) >= 0) break;',
    'if (newest !== undefined) break;',
  ),
  byStream(
    'a shard that is gone looks whole',
    LOG,
    'return { records, trimmed: true };',
    'return { records, trimmed: false };',
  ),
  byStream(
    'the second parent forgotten',
    LOG,
    '[ParentShardId, AdjacentParentShardId].filter',
    '[ParentShardId].filter',
  ),
  byFaults(
    'failed entries of a batch ignored',
    QUEUE,
    'missing = missing.filter((_, index) => !sent.has(String(index)));',
    'missing = missing.slice(0, sent.has("none") ? 1 : 0);',
  ),
  byFaults(
    'messages that are never taken are no error',
    QUEUE,
    '    if (missing.length > 0) {\n      throw new MessagesNotSent(',
    '    if (missing.length < 0) {\n      throw new MessagesNotSent(',
  ),
  byQueues(
    'a batch of more than a mebibyte',
    QUEUE,
    'if (full || bytes + message.body.length > BATCH_BYTES_MAX) {',
    'if (full) {',
  ),
  {
    name: 'adapter: bury deletes first',
    edits: [
      {
        file: QUEUE,
        find: 'async bury({ body }: DeliveredMessage, history: MessageHistory): Promise<void> {\n',
        put:
          'async bury({ body, receiptHandle }: DeliveredMessage, history: MessageHistory): Promise<void> {\n' +
          '    await this.#client.send(new DeleteMessageCommand({ QueueUrl: this.#queueUrl, ReceiptHandle: receiptHandle }));\n',
      },
      {
        file: QUEUE,
        find: '  ChangeMessageVisibilityCommand,\n',
        put: '  ChangeMessageVisibilityCommand,\n  DeleteMessageCommand,\n',
      },
    ],
    tests: ['test/contract/queues.test.ts'],
  },
  byQueues(
    'buried without its history',
    QUEUE,
    '        MessageBody: body,\n        MessageAttributes: historyAttributes(history),\n',
    '        MessageBody: body,\n',
  ),
  byQueues(
    'given back without its rounds',
    DEAD_LETTERS,
    '        MessageAttributes: historyAttributes(history),\n        DelaySeconds',
    '        DelaySeconds',
  ),
  byQueues(
    'a dead letter that was dealt with stays',
    DEAD_LETTERS,
    '    await this.#client.send(new DeleteMessageCommand(request));',
    '    void new DeleteMessageCommand(request);',
  ),
];
