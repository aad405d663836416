// `npm run delete-entity`: deletes what is stored of one entity, or says what would be deleted.
import { createInterface } from 'node:readline/promises';
import { parseArgs } from 'node:util';
import { S3ArchiveCleaner } from '../lambdas/aws/archive-cleaner.ts';
import { LedgerDeletionRegister } from '../lambdas/aws/deletion-register.ts';
import { EntityCounterTable } from '../lambdas/aws/entity-counter-table.ts';
import { LedgerTable } from '../lambdas/aws/ledger-table.ts';
import { TopTable } from '../lambdas/aws/top-table.ts';
import { type DeletionPorts, type DeletionReport, deleteEntity } from '../lambdas/deletion/delete-entity.ts';
import { asOperatorError, exitCodes } from './errors.ts';
import { openStack } from './stack-access.ts';

const USAGE = `npm run delete-entity -- ENTITY (--url URL | --stage STAGE) [--archive] [--dry-run] [--yes]

Deletes every count of the entity, of all metrics and all times. Run it again after some minutes, and when the retention of stream and queues has passed:
what was still under way then may have come back (docs/security.md says what is kept where, and for how long).
  ENTITY      the entity as clients send it, not percent-encoded
  --url       a local stack, such as http://127.0.0.1:8787
  --stage     a stack on AWS, with your usual credentials
  --archive   goes through every object of the archive too (rejected, raw, parked, discarded, expired, repairs)
  --dry-run   says what there is, and changes nothing
  --yes       does not ask
Exit code 0: done. 1: done, but objects of the archive need a person. 2: wrong usage, or not confirmed. 4: no stack, no answer.`;

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      url: { type: 'string' },
      stage: { type: 'string' },
      archive: { type: 'boolean', default: false },
      'dry-run': { type: 'boolean', default: false },
      yes: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  const [entity, ...more] = positionals;
  const { url, stage, archive } = values;
  const oneStack = (url === undefined) !== (stage === undefined);
  if (values.help || entity === undefined || entity === '' || more.length > 0 || !oneStack) {
    console.log(USAGE);
    return values.help ? exitCodes.done : exitCodes.usage;
  }
  const stack = await openStack({ url, stage });
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
    if (values['dry-run']) return found.archive.byHand.length === 0 ? exitCodes.done : exitCodes.failed;
    if (!values.yes && !(await confirmed())) {
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
    console.error('Give --yes where nobody can be asked.');
    return false;
  }
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  const answer = await terminal.question('This can not be taken back. Delete it? Type yes: ');
  terminal.close();
  return answer.trim() === 'yes';
}

try {
  process.exitCode = await main();
} catch (error) {
  const { code = '' } = error as NodeJS.ErrnoException;
  const { message, exitCode } = code.startsWith('ERR_PARSE_ARGS')
    ? { message: `${(error as Error).message}\n\n${USAGE}`, exitCode: exitCodes.usage }
    : asOperatorError(error);
  console.error(message);
  process.exitCode = exitCode;
}
