// The command line of the importer, checked and turned into settings.

import { homedir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { defaultBackoff } from './backoff.ts';
import type { UncertainPolicy } from './delivery.ts';
import { UsageError } from './errors.ts';
import { metricPattern } from './event.ts';
import { type FormatName, formatNames } from './formats/index.ts';
import { type TimeUnit, timeUnits } from './formats/time.ts';
import { baseUrl } from './http-client.ts';
import type { ImportSettings } from './import-file.ts';

export interface ImportOptions {
  readonly files: readonly string[];
  readonly settings: ImportSettings;
  readonly apiKey: string | undefined;
  readonly rejects: string | undefined;
  readonly wait: boolean;
  readonly waitTimeoutMs: number | undefined;
  readonly json: boolean;
}

const shape = {
  url: { type: 'string' },
  metric: { type: 'string', default: 'view' },
  format: { type: 'string', default: 'auto' },
  method: { type: 'string', default: 'GET' },
  status: { type: 'string', default: '200' },
  'unwrap-quotes': { type: 'boolean', default: false },
  'entity-field': { type: 'string' },
  'time-field': { type: 'string' },
  'time-unit': { type: 'string', default: 'auto' },
  'entity-column': { type: 'string' },
  'time-column': { type: 'string' },
  header: { type: 'boolean', default: false },
  delimiter: { type: 'string', default: ',' },
  comment: { type: 'string' },
  'empty-entity': { type: 'string' },
  label: { type: 'string', default: '' },
  state: { type: 'string' },
  forget: { type: 'boolean', default: false },
  'resume-uncertain': { type: 'string', default: 'hold' },
  'dedup-window': { type: 'string', default: '600' },
  'batch-events': { type: 'string' },
  'batch-bytes': { type: 'string', default: '900000' },
  concurrency: { type: 'string', default: '4' },
  timeout: { type: 'string', default: '30' },
  'give-up-after': { type: 'string' },
  'api-key': { type: 'string' },
  rejects: { type: 'string' },
  wait: { type: 'boolean', default: false },
  'wait-timeout': { type: 'string' },
  'dry-run': { type: 'boolean', default: false },
  json: { type: 'boolean', default: false },
  help: { type: 'boolean', short: 'h', default: false },
} as const;

/** Reads the arguments after the program's name; `help` if that is what they ask for. Throws UsageError. */
export function importOptions(
  args: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): ImportOptions | 'help' {
  const { values, positionals } = parsed(args);
  if (values.help) return 'help';
  if (positionals.length === 0) throw new UsageError('name at least one file to import');
  if (positionals.includes('-')) {
    throw new UsageError('standard input cannot be imported: resuming needs a file that can be read again');
  }
  const dryRun = values['dry-run'];
  if (values.url === undefined && !dryRun)
    throw new UsageError('--url is missing: the address of a running Tally');
  return {
    files: positionals,
    apiKey: values['api-key'] ?? environment['TALLY_API_KEY'],
    rejects: values.rejects,
    wait: values.wait,
    waitTimeoutMs: optionalSeconds('wait-timeout', values['wait-timeout']),
    json: values.json,
    settings: {
      target: {
        label: values.label,
        url: values.url === undefined ? '' : baseUrl(values.url),
        metric: metricOf(values.metric),
      },
      format: {
        format: oneOf<FormatName | 'auto'>('format', values.format, ['auto', ...formatNames]),
        methods: listOf('method', values.method, /^[A-Z]+$/),
        statuses: listOf('status', values.status, /^\d{3}$/),
        unwrapQuotes: values['unwrap-quotes'],
        entityField: values['entity-field'],
        timeField: values['time-field'],
        timeUnit: oneOf<TimeUnit>('time-unit', values['time-unit'], timeUnits),
        entityColumn: values['entity-column'],
        timeColumn: values['time-column'],
        header: values.header,
        delimiter: delimiterOf(values.delimiter),
        comment: values.comment,
        emptyEntity: values['empty-entity'],
      },
      limits: {
        eventsMax: whole('batch-events', values['batch-events'] ?? '500', 1, 500),
        bytesMax: whole('batch-bytes', values['batch-bytes'], 1000, 9_000_000),
      },
      delivery: {
        backoff: defaultBackoff,
        timeoutMs: whole('timeout', values.timeout, 1, 3600) * 1000,
        dedupWindowMs: whole('dedup-window', values['dedup-window'], 0, 86_400 * 365) * 1000,
        giveUpAfterMs: optionalSeconds('give-up-after', values['give-up-after']),
        uncertain: oneOf<UncertainPolicy>('resume-uncertain', values['resume-uncertain'], [
          'hold',
          'send',
          'skip',
        ]),
      },
      concurrency: whole('concurrency', values.concurrency, 1, 64),
      stateFolders: { chosen: values.state, home: stateHome(environment) },
      forget: values.forget,
      dryRun,
    },
  };
}

/** `$XDG_STATE_HOME/tally/import`, in `~/.local/state` where that is not set. */
function stateHome(environment: Readonly<Record<string, string | undefined>>): string {
  return join(environment['XDG_STATE_HOME'] || join(homedir(), '.local', 'state'), 'tally', 'import');
}

function parsed(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: shape, allowPositionals: true, strict: true });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error), { cause: error });
  }
}

/** A metric's name, checked by the API's rule. Throws UsageError. */
export function metricOf(text: string): string {
  if (metricPattern.test(text)) return text;
  throw new UsageError(`--metric takes 1 to 64 letters, digits, points, dashes and underscores, not ${text}`);
}

function oneOf<T extends string>(name: string, text: string, choices: readonly T[]): T {
  const choice = choices.find((one) => one === text);
  if (choice === undefined) throw new UsageError(`--${name} takes one of ${choices.join(', ')}, not ${text}`);
  return choice;
}

function listOf(name: string, text: string, item: RegExp): readonly string[] | undefined {
  if (text === 'any') return undefined;
  const items = [...new Set(text.split(','))].toSorted();
  if (items.every((one) => item.test(one))) return items;
  throw new UsageError(
    `--${name} takes any, or a list such as ${name === 'status' ? '200,304' : 'GET,HEAD'}, not ${text}`,
  );
}

function delimiterOf(text: string): string {
  const delimiter = text === '\\t' ? '\t' : text;
  if (delimiter.length === 1 && delimiter !== '"' && delimiter !== '\n') return delimiter;
  throw new UsageError('--delimiter takes one character (\\t for a tab)');
}

/** A whole number given as an option. Throws UsageError. */
export function whole(name: string, text: string, min: number, max: number): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= min && value <= max) return value;
  throw new UsageError(`--${name} takes a whole number from ${min} to ${max}, not ${text}`);
}

function optionalSeconds(name: string, text: string | undefined): number | undefined {
  return text === undefined ? undefined : whole(name, text, 0, 86_400 * 365) * 1000;
}
