// The options that say how to read a file, in commander's format.
import type { Command } from 'commander';
import { checkRequest, FORMAT_NAMES, type FormatRequest } from '../../formats/detect.ts';
import { TIME_UNITS } from '../../formats/time.ts';
import { WRAPPERS } from '../../formats/unwrap.ts';
import { UsageError } from './errors.ts';
import { choice } from './options.ts';

/** `a=b,c=d`, or the option several times. */
function conditions(text: string, before: readonly string[] = []): readonly string[] {
  return [...before, ...text.split(',').map((one) => one.trim())];
}

function listOf(field: string): (text: string) => string {
  return (text) => (text === 'any' ? `${field}=*` : `${field}=${text.split(',').join('|')}`);
}

/** Adds the options that say how to read a file. */
export function addFormatOptions(command: Command): Command {
  return command
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
    .option('--comment <text>', 'csv, columns: skip lines that begin with this');
}

/** What `addFormatOptions` adds. */
export interface FormatFlags extends FormatRequest {
  readonly method?: string;
  readonly status?: string;
}

/** The file-reading options in the flags, which have others, too. Throws UsageError, or FormatError if they can read no file. */
export function formatRequest(flags: FormatFlags): FormatRequest {
  const { where = [], method, status } = flags;
  const delimiter = flags.delimiter === '\\t' ? '\t' : flags.delimiter;
  if (delimiter !== undefined && delimiter.length !== 1)
    throw new UsageError('--delimiter takes one character, or \\t');
  const all = [...where, method, status].filter((one) => one !== undefined);
  const request = { ...flags, delimiter, where: all };
  checkRequest(request);
  return request;
}
