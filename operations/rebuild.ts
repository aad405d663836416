// `npm run rebuild`: counts archived raw events again, into another pair of tables under a new generation, and compares.
import { setTimeout as delay } from 'node:timers/promises';
import cliProgress from 'cli-progress';
import { asOperatorError, exitCodes, OperatorError } from '../cli/shared/errors.ts';
import { openStack, type StackAccess } from '../cli/shared/stack-access.ts';
import { CounterTable } from '../lambdas/aws/counter-table.ts';
import { LedgerTable } from '../lambdas/aws/ledger-table.ts';
import { LevelLedgerTable } from '../lambdas/aws/level-ledger.ts';
import { LevelTable } from '../lambdas/aws/level-table.ts';
import { S3RawArchive } from '../lambdas/aws/raw-archive.ts';
import { TopTable } from '../lambdas/aws/top-table.ts';
import { NotPlayable } from '../lambdas/rebuild/raw-log.ts';
import { type OnSegment, type RebuildPorts, rebuild } from '../lambdas/rebuild/rebuild.ts';
import { type Options, readOptions, USAGE } from './rebuild/options.ts';
import { exitCodeOf, sentences } from './rebuild/output.ts';
import { tableLike } from './rebuild/tables.ts';

const clock = { nowMs: () => Date.now() };

try {
  const options = readOptions(process.argv.slice(2));
  if (options === undefined) console.log(USAGE);
  else process.exitCode = await main(options);
} catch (error) {
  const { message, exitCode } = asOperatorError(error);
  console.error(message);
  process.exitCode = exitCode;
}

async function main(options: Options): Promise<number> {
  const stack = await openStack(options.stack);
  try {
    const tables = await secondTables(stack, options);
    const bar = progressBar();
    const report = await rebuild(portsOf(stack, tables), options, bar.show)
      .catch((error: unknown) => {
        if (!(error instanceof NotPlayable)) throw error;
        throw new OperatorError(`${stack.label}: ${error.message}.`, exitCodes.failed, { cause: error });
      })
      .finally(bar.stop);
    if (options.json) console.log(JSON.stringify({ ...report, tables }));
    else {
      console.log(
        `${stack.label}: rebuilt as generation ${options.generation} into ${tables.counters} and ${tables.ledger}.`,
      );
      for (const line of sentences(report)) console.log(line);
    }
    return exitCodeOf(report);
  } finally {
    stack.close();
  }
}

type Tables = NonNullable<Options['tables']>;

/** Those that were named; else two that are made like the stack's own. */
async function secondTables({ dynamoDb, resources }: StackAccess, options: Options): Promise<Tables> {
  const { counterTable, ledgerTable } = resources;
  const { tables, generation } = options;
  if (tables === undefined)
    return {
      counters: await tableLike(dynamoDb, counterTable, `${counterTable}-${generation}`),
      ledger: await tableLike(dynamoDb, ledgerTable, `${ledgerTable}-${generation}`),
    };
  const own = new Set([counterTable, ledgerTable]);
  if (own.has(tables.counters) || own.has(tables.ledger) || tables.counters === tables.ledger)
    throw new OperatorError(
      "--counters and --ledger must be two tables of their own: these are the stack's.",
      exitCodes.usage,
    );
  return tables;
}

function portsOf({ dynamoDb, s3, resources }: StackAccess, { counters, ledger }: Tables): RebuildPorts {
  return {
    history: new S3RawArchive(s3, resources.archiveBucket),
    first: new LedgerTable(dynamoDb, resources.ledgerTable, clock),
    ledger: new LedgerTable(dynamoDb, ledger, clock),
    counters: new CounterTable(dynamoDb, counters),
    progress: new LevelLedgerTable(dynamoDb, ledger),
    levels: new LevelTable(dynamoDb, counters),
    tops: new TopTable(dynamoDb, ledger),
    clock,
    random: Math.random,
    pause: (ms) => delay(ms),
  };
}

/** A bar on a terminal; nothing where nobody looks. */
function progressBar(): { readonly show: OnSegment; readonly stop: () => void } {
  if (!process.stderr.isTTY) return { show: () => {}, stop: () => {} };
  const bar = new cliProgress.SingleBar({
    format: 'rebuild [{bar}] {percentage}% · {value} of {total} segments',
    hideCursor: true,
    clearOnComplete: true,
  });
  let started = false;
  return {
    show: (done, of) => {
      if (!started) bar.start(of, done);
      started = true;
      bar.update(done);
    },
    stop: () => bar.stop(),
  };
}
