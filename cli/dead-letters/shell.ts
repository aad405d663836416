// The shell around the commands on dead letters; only it uses the clock, the terminal, signals and the user.
import { userInfo } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { Archive } from '../../lambdas/aws/archive.ts';
import { LedgerTable } from '../../lambdas/ledger/ledger-table.ts';
import { SqsDeadLetters } from '../../lambdas/redriver/dead-letters.aws.ts';
import { StoreTable } from '../../lambdas/store/store-table.ts';
import { exitCodes } from '../shared/errors.ts';
import { onStack, type StackAccess } from '../shared/stack-access.ts';
import { confirm, progressBar } from '../shared/terminal.ts';
import type { DeadLetterPorts } from './ports.ts';
import { type Options, run } from './run.ts';
import { waitingMessages } from './waiting.ts';

const clock = { nowMs: () => Date.now() };

/** Runs a command on the given stack. @returns its exit code @throws CommandError */
export async function runDeadLetters(options: Options): Promise<number> {
  const stopping = new AbortController();
  // Finishes the current dead letter and releases the held ones; a second Ctrl-C exits at once.
  const stop = () => (stopping.signal.aborted ? process.exit(exitCodes.interrupted) : stopping.abort());
  process.on('SIGINT', stop).on('SIGTERM', stop);
  try {
    return await onStack(options.stack, (stack) =>
      run(options, portsOf(stack), {
        result: (text) => console.log(text),
        note: (text) => console.error(text),
        confirm: (question, word) => confirm(question, word, stopping.signal),
        progress: progressBar(),
        user: userInfo().username,
        signal: stopping.signal,
      }),
    );
  } finally {
    process.off('SIGINT', stop).off('SIGTERM', stop);
  }
}

function portsOf({ resources, sqs, s3, dynamoDb }: StackAccess): DeadLetterPorts {
  const { deadLetterQueueUrl: deadLetterUrl, rollupQueueUrl: queueUrl } = resources;
  const archive = new Archive(s3, resources.archiveBucket);
  const deadLetters = new SqsDeadLetters(sqs, { deadLetterUrl, queueUrl }, archive);
  return {
    waiting: waitingMessages(sqs, deadLetterUrl, deadLetters),
    deadLetters,
    parked: archive,
    ledger: new LedgerTable(dynamoDb, resources.ledgerTable, clock),
    deltas: new StoreTable(dynamoDb, resources.countsTable, clock),
    clock,
    pause: (ms) => delay(ms),
  };
}
