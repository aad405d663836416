// The options that import and follow share: which service, how to read, where the state is, and how to send.
import { type Command, InvalidArgumentError } from 'commander';
import { checkRequest, FORMAT_NAMES, type FormatRequest } from '../../formats/detect.ts';
import { TIME_UNITS } from '../../formats/time.ts';
import { WRAPPERS } from '../../formats/unwrap.ts';
import { callersPath } from '../paths.ts';
import { addServiceOptions, type ServiceFlags } from '../service.ts';
import { UsageError } from '../shared/errors.ts';
import { choice, wholeNumber } from '../shared/options.ts';
import { usersLabel } from '../source/state.ts';
import { stateHome } from '../source/state-store.ts';
import { UNCERTAIN, type UncertainPolicy } from './deliver.ts';
import type { ImportSettings } from './import-file.ts';

/** What `addDeliveryOptions` adds. */
export interface DeliveryFlags extends ServiceFlags, FormatRequest {
  readonly method?: string;
  readonly status?: string;
  readonly label: string;
  readonly state?: string;
  readonly resumeUncertain: UncertainPolicy;
  readonly dedupWindow: number;
  readonly concurrency: number;
  readonly timeout: number;
  readonly rejects?: string;
}

/** A number of seconds, up to a year. */
export const seconds = wholeNumber(0, 31_536_000);

/** A user's label: one that ends like `~2` would pass for one that `follow` made. */
function label(text: string): string {
  if (usersLabel(text) === text) return text;
  throw new InvalidArgumentError('It must not end with ~ and a number: follow numbers files in this way.');
}

/** `a=b,c=d`, or the option several times. */
function conditions(text: string, before: readonly string[] = []): readonly string[] {
  return [...before, ...text.split(',').map((one) => one.trim())];
}

function listOf(field: string): (text: string) => string {
  return (text) => (text === 'any' ? `${field}=*` : `${field}=${text.split(',').join('|')}`);
}

/** Adds the options that import and follow share. */
export function addDeliveryOptions(command: Command): Command {
  return addServiceOptions(command)
    .optionsGroup('Which lines count, and as what:')
    .option('--format <name>', FORMAT_NAMES.join(', '), 'auto')
    .option(
      '--log-format <template>',
      "nginx's log_format or Apache's LogFormat, copied from the configuration",
    )
    .addOption(
      choice('--unwrap <wrapper>', "a log shipper's, around each line (default: detected)", WRAPPERS),
    )
    .option(
      '--where <conditions>',
      'FIELD=VALUE[|VALUE],FIELD!=VALUE: 2xx is a class, * any text; `any` for all lines (method=GET,status=200 in access logs)',
      conditions,
    )
    .option('--method <list>', 'GET,HEAD or any: short for --where method=', listOf('method'))
    .option('--status <list>', '200,304, 2xx or any: short for --where status=', listOf('status'))
    .option(
      '--entity <field>',
      'field that names the entity: a name, a.b, or a column from 1 (default: path)',
    )
    .option('--strip-prefix <text>', 'prefix to remove from the entity')
    .option('--entity-regex <regex>', 'its first group is the entity; other lines are skipped')
    .option('--lowercase', 'convert the entity to lower case')
    .option('--empty-entity <name>', 'count an empty entity under this name (default: reject it)')
    .option('--time <field>', "field with the time (default: the format's own)")
    .addOption(
      choice('--time-unit <unit>', 'unit of the time; without a zone it is UTC (default: auto)', TIME_UNITS),
    )
    .option('--metric-field <field>', 'field that names the metric')
    .option('--header', 'csv, columns: the first line names the columns')
    .option('--delimiter <character>', 'csv: separator; \\t for a tab (default: comma)')
    .option('--comment <text>', 'csv, columns: skip lines that begin with this')
    .optionsGroup('Resuming:')
    .option('--state <dir>', 'folder of the state (default: .tally-import beside the file)', callersPath)
    .option('--label <name>', 'tells files apart that begin with the same bytes', label, '')
    .addOption(
      choice(
        '--resume-uncertain <how>',
        'what to do with requests that may be stored but are no longer recognised',
        UNCERTAIN,
        'hold',
      ),
    )
    .option('--dedup-window <seconds>', 'how long the service recognises a batch', seconds, 600)
    .optionsGroup('Sending:')
    .option('--concurrency <n>', 'requests at once', wholeNumber(1, 64), 4)
    .option('--timeout <seconds>', 'of one request', wholeNumber(1, 600), 30)
    .option('--rejects <file>', 'write malformed and rejected lines there', callersPath);
}

/**
 * Makes the settings from the flags, which it checks; every file has the same.
 * @returns the settings for a service, by its identity
 */
export function deliverySettings(flags: DeliveryFlags): (service: string) => ImportSettings {
  const { metric, metricField, label, state, dedupWindow, timeout, resumeUncertain, concurrency } = flags;
  const settings = {
    format: formatRequest(flags),
    delivery: { dedupWindowMs: dedupWindow * 1000, timeoutMs: timeout * 1000, uncertain: resumeUncertain },
    concurrency,
    stateFolders: { chosen: state, home: stateHome() },
  };
  const target = { metric: metricField === undefined ? metric : `{${metricField}}`, label };
  return (service) => ({ ...settings, target: { service, ...target } });
}

/** The file-reading options in the flags, which have others, too. Throws UsageError, or FormatError if they can read no file. */
function formatRequest(flags: DeliveryFlags): FormatRequest {
  const { where = [], method, status } = flags;
  const delimiter = flags.delimiter === '\\t' ? '\t' : flags.delimiter;
  if (delimiter !== undefined && delimiter.length !== 1)
    throw new UsageError('--delimiter takes one character, or \\t');
  const all = [...where, method, status].filter((one) => one !== undefined);
  const request = { ...flags, delimiter, where: all };
  checkRequest(request);
  return request;
}
