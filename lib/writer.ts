// The writer: turns rollup messages into counts in the table.
import { ARCHIVE_PREFIXES } from './archive.ts';
import { WRITER_TIMEOUT_SECONDS } from './configuration-rules.ts';
import { storingEnvironment } from './environment.ts';
import { allow, HandlerFunction, type Platform } from './handler-function.ts';

/** Maximum messages in one invocation: a count is readable as soon as its delta is stored, so none should wait for others. */
const BATCH_MESSAGES = 10;

export function writer(platform: Platform): void {
  const { configuration: c, counts, ledger, queue, deadLetters, retries } = platform;
  const handler = new HandlerFunction(platform.stack, 'Writer', platform, {
    noun: 'writer',
    description: 'Stores the deltas of rollup messages, each once, and acknowledges them in the ledger.',
    timeoutSeconds: WRITER_TIMEOUT_SECONDS,
    memoryMb: 512,
    environment: storingEnvironment(platform),
    statements: [
      allow('dynamodb', ['GetItem', 'PutItem'], counts.tableArn),
      allow('dynamodb', ['GetItem', 'UpdateItem'], ledger.tableArn),
      allow(
        'sqs',
        ['ChangeMessageVisibility', 'DeleteMessage', 'GetQueueAttributes', 'ReceiveMessage'],
        queue.queueArn,
      ),
      allow('sqs', ['SendMessage'], deadLetters.queueArn),
      allow('ssm', ['GetParameter'], retries.parameterArn),
    ],
    archived: [ARCHIVE_PREFIXES.expired],
  });

  handler.readFrom(handler, 'Messages', {
    eventSourceArn: queue.queueArn,
    batchSize: BATCH_MESSAGES,
    scalingConfig: { maximumConcurrency: c.writerConcurrency },
  });
}
