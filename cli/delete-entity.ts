// `tally delete-entity`: deletes what is stored of one entity, or says what would be deleted.
import { createInterface } from 'node:readline/promises';
import { Command } from 'commander';
import { S3ArchiveCleaner } from '../lambdas/aws/archive-cleaner.ts';
import { LedgerDeletionRegister } from '../lambdas/aws/deletion-register.ts';
import { EntityCounterTable } from '../lambdas/aws/entity-counter-table.ts';
import { LedgerTable } from '../lambdas/aws/ledger-table.ts';
import { TopTable } from '../lambdas/aws/top-table.ts';
import { type DeletionPorts, type DeletionReport, deleteEntity } from '../lambdas/deletion/delete-entity.ts';
import { exitCodes } from './shared/errors.ts';
import { type StackOptions, stackNamed, withExample, withStack } from './shared/options.ts';
import { openStack } from './shared/stack-access.ts';

interface Given extends StackOptions {
  readonly archive?: boolean;
  readonly dryRun?: boolean;
  readonly yes?: boolean;
}

const command = withStack(
  new Command('delete-entity')
    .description(
      'Deletes every count of an entity, of all metrics and all times. Run it again when the retention of stream and queues has passed: what was still under way then may have come back (docs/security.md).',
    )
    .argument('<entity>', 'the entity as clients send it, not percent-encoded'),
)
  .option('--archive', 'go through every object of the archive too')
  .option('--dry-run', 'say what there is, and change nothing')
  .option('--yes', 'do not ask')
  .action(async (entity: string, given: Given) => {
    process.exitCode = await run(entity, given);
  });

export const deleteEntityCommand = withExample(
  command,
  'npx tally delete-entity "/users/jane" --archive --dry-run --stage prod',
);

async function run(entity: string, given: Given): Promise<number> {
  const archive = given.archive === true;
  const stack = await openStack(stackNamed(given));
  try {
    const { counterTable, ledgerTable, archiveBucket } = stack.resources;
    const clock = { nowMs: () => Date.now() };
    const ports: DeletionPorts = {
      counters: new EntityCounterTable(stack.dynamoDb, counterTable),
      tops: new TopTable(stack.dynamoDb, ledgerTable),
      register: new LedgerDeletionRegister(stack.dynamoDb, ledgerTable),
      archive: new S3ArchiveCleaner(stack.s3, archiveBucket),
      ledger: new LedgerTable(stack.dynamoDb, ledgerTable, clock),
      clock,
    };
    const onObject = (objects: number) => {
      if (process.stderr.isTTY) process.stderr.write(`\r${objects} objects looked through`);
    };
    const found = await deleteEntity(entity, ports, { dryRun: true, archive, onObject });
    console.log(`${stack.label}: ${sentence(found, archive)}`);
    if (given.dryRun === true) return found.archive.byHand.length === 0 ? exitCodes.done : exitCodes.failed;
    if (!given.yes && !(await confirmed())) {
      console.error('Nothing was deleted.');
      return exitCodes.usage;
    }
    const deleted = await deleteEntity(entity, ports, { dryRun: false, archive, onObject });
    console.log(`Deleted: ${sentence(deleted, archive)}`);
    console.log(
      'A record without the name is in the archive under deletions/. Run this again when nothing older can come back.',
    );
    return deleted.archive.byHand.length === 0 ? exitCodes.done : exitCodes.failed;
  } finally {
    stack.close();
  }
}

function sentence({ counters, tops, archive }: DeletionReport, archived: boolean): string {
  const metrics = counters.metrics.length === 0 ? '' : ` of ${counters.metrics.join(', ')}`;
  const counts = `${counters.items} counter items with ${counters.events} events${metrics}, in ${tops.lists} top lists`;
  if (!archived) return `${counts}; the archive was not looked at`;
  const byHand = archive.byHand.map((key) => `\n  look at it by hand: ${key}`).join('');
  return `${counts}; ${archive.removed} of ${archive.objects} archived objects whole, parts of ${archive.rewritten}${byHand}`;
}

async function confirmed(): Promise<boolean> {
  if (!process.stdin.isTTY) {
    console.error('There is no terminal to ask on: give --yes if you mean it.');
    return false;
  }
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  const answer = await terminal.question('This cannot be undone. Delete it? Type yes: ');
  terminal.close();
  return answer.trim() === 'yes';
}
