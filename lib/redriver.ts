// The redriver: dead letters go back to the queue at a bounded rate, or are parked in the archive.
import { ARCHIVE_PREFIXES } from './archive.ts';
import { storingEnvironment } from './environment.ts';
import { allow, HandlerFunction, type Platform } from './handler-function.ts';

/** The redriver's timeout. The dead-letter queue hides a message for twice as long. */
export const REDRIVER_TIMEOUT_SECONDS = 60;

export function redriver(platform: Platform): void {
  const { counts, ledger, queue, deadLetters, retries } = platform;
  new HandlerFunction(platform.stack, 'Redriver', platform, {
    noun: 'redriver',
    description: 'Returns dead letters to the queue while the tables take writes, or parks them.',
    timeoutSeconds: REDRIVER_TIMEOUT_SECONDS,
    memoryMb: 256,
    environment: storingEnvironment(platform),
    statements: [
      allow('sqs', ['ChangeMessageVisibility', 'DeleteMessage', 'ReceiveMessage'], deadLetters.queueArn),
      allow('sqs', ['SendMessage'], queue.queueArn),
      allow('dynamodb', ['GetItem', 'UpdateItem'], ledger.tableArn),
      // Reads for health checks; writes for the probe, a dead letter that the redriver writes itself.
      allow('dynamodb', ['GetItem', 'PutItem'], counts.tableArn),
      allow('ssm', ['GetParameter'], retries.parameterArn),
    ],
    archived: [ARCHIVE_PREFIXES.parked, ARCHIVE_PREFIXES.expired],
  }).runEveryMinute();
}
