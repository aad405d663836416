// The command line of `npm run rebuild`.
import { parseArgs } from 'node:util';
import { exitCodes, OperatorError } from '../../cli/shared/errors.ts';
import type { StackName } from '../../cli/shared/stack-access.ts';
import type { ArrivalHours } from '../../lambdas/rebuild/raw-log.ts';

export const USAGE = `npm run rebuild -- --generation NAME (--url URL | --stage STAGE) [--counters TABLE --ledger TABLE]
                  [--from TIME --to TIME] [--source NAME] [--shards N] [--concurrency N] [--json]

Counts archived raw events again, all of them or some hours of arrival, into another pair of tables, by the code that counted them first; then holds
the accounts of every segment against the first table's. It changes nothing of what the stack uses. Killed at any moment, it goes on when it is run again.
  --generation   1 to 8 letters and digits, never used before on this stack: under which everything is counted
  --url          a local stack, such as http://127.0.0.1:8787
  --stage        a stack on AWS, with your usual credentials
  --counters, --ledger   the second pair of tables; if left out, the stack's own names with -NAME, made like the stack's own if they are not there
  --from, --to   whole hours, ISO 8601 with a zone (2026-11-22T05:00Z); if left out, the whole archive
  --source       the generation that is played, where the archive has several
  --shards       shards that are played at once (4)
  --concurrency  updates of counter items at once, of each shard (16)
  --json         print the report as JSON
Exit code 0: played, and every segment says what it said first. 1: some differ, or are not archived. 2: wrong usage. 4: no stack, no answer.`;

/** What was asked for. */
export interface Options {
  readonly stack: StackName;
  readonly generation: string;
  readonly source: string | undefined;
  readonly hours: ArrivalHours | undefined;
  /** Undefined: made like the first pair. */
  readonly tables: { readonly counters: string; readonly ledger: string } | undefined;
  readonly shards: number;
  readonly concurrency: number;
  readonly json: boolean;
}

const OPTIONS = {
  url: { type: 'string' },
  stage: { type: 'string' },
  generation: { type: 'string' },
  source: { type: 'string' },
  counters: { type: 'string' },
  ledger: { type: 'string' },
  from: { type: 'string' },
  to: { type: 'string' },
  shards: { type: 'string', default: '4' },
  concurrency: { type: 'string', default: '16' },
  json: { type: 'boolean', default: false },
  help: { type: 'boolean', short: 'h', default: false },
} as const;

const GENERATION = /^[A-Za-z0-9]{1,8}$/;
const HOUR_MS = 3_600_000;

/** Reads the command line; undefined when it asks for help. @throws OperatorError that says what is wrong with it */
export function readOptions(args: readonly string[]): Options | undefined {
  const { values } = parsed(args);
  if (values.help || args.length === 0) return undefined;
  const { url, stage, generation = '', source, counters, ledger, from, to, json } = values;
  if ((url === undefined) === (stage === undefined))
    throw wrong(
      'Say which stack: --url http://127.0.0.1:8787 for a local one, or --stage NAME for one on AWS.',
    );
  if (!GENERATION.test(generation))
    throw wrong('--generation must be 1 to 8 letters and digits, never used before.');
  if ((counters === undefined) !== (ledger === undefined))
    throw wrong('--counters and --ledger go together.');
  const tables = counters === undefined || ledger === undefined ? undefined : { counters, ledger };
  if ((from === undefined) !== (to === undefined)) throw wrong('--from and --to go together.');
  const hours =
    from === undefined || to === undefined
      ? undefined
      : { fromMs: wholeHour('from', from), toMs: wholeHour('to', to) };
  if (hours !== undefined && hours.fromMs >= hours.toMs) throw wrong('--from must be before --to.');
  const [shards, concurrency] = [
    numberIn('shards', values.shards),
    numberIn('concurrency', values.concurrency),
  ];
  return { stack: { url, stage }, generation, source, hours, tables, shards, concurrency, json };
}

function parsed(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: OPTIONS });
  } catch (error) {
    throw wrong(`${(error instanceof Error ? error.message : String(error)).split('. ')[0]}.`);
  }
}

function wholeHour(name: string, text: string): number {
  const ms = Date.parse(text);
  if (!/(Z|[+-]\d\d:?\d\d)$/.test(text) || !Number.isFinite(ms) || ms % HOUR_MS !== 0)
    throw wrong(`--${name} must be a whole hour with a zone, such as 2026-11-22T05:00Z, not "${text}".`);
  return ms;
}

function numberIn(name: string, text: string): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= 1 && value <= 256) return value;
  throw wrong(`--${name} must be a whole number from 1 to 256, not "${text}".`);
}

function wrong(message: string): OperatorError {
  return new OperatorError(`${message} See npm run rebuild -- --help`, exitCodes.usage);
}
