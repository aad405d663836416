// Makes a reading plan from the user's options and a file's first bytes.
import { JsonEntry } from './json.ts';
import { LineSplitter } from './lines.ts';
import {
  checkFields,
  conditionsFor,
  FORMAT_ALIASES,
  FORMATS,
  type FormatName,
  type FormatOption,
  formatOf,
  parserOf,
  type ReadingPlan,
} from './plan.ts';
import { type Entry, FormatError, UnknownFormat } from './reading.ts';
import { parseWhere, regexOf, type Selection } from './select.ts';
import { unwrapped, unwrappedLines, WRAPPERS, type Wrapper } from './unwrap.ts';

type Loose<T> = { readonly [name in keyof T]?: T[name] | undefined };

/** The user's options for reading a file; all optional. */
export interface FormatRequest extends Loose<Selection> {
  /** A format's name, or `auto`. */
  readonly format?: string | undefined;
  readonly unwrap?: Wrapper | undefined;
  readonly logFormat?: string | undefined;
  readonly delimiter?: string | undefined;
  readonly header?: boolean | undefined;
  readonly comment?: string | undefined;
}

/** A request in a setting, where an empty text is none, and commas separate the conditions. */
export interface FormatTexts {
  /** A format's name, or `auto`. */
  readonly format: string;
  /** Conditions as in `tally import --where`; empty: the format's defaults. */
  readonly filter: string;
  /** The field that names the entity; empty: the format's default. */
  readonly entity: string;
  /** The template of nginx or Apache; empty: none. */
  readonly logFormat: string;
}

export function requestOf({ format, filter, entity, logFormat }: FormatTexts): FormatRequest {
  return {
    format,
    where: filter === '' ? [] : filter.split(',').map((one) => one.trim()),
    entity: entity || undefined,
    logFormat: logFormat || undefined,
  };
}

/** Enough of a file's beginning to detect its format. */
export const SAMPLE_BYTES = 256 * 1024;
const SAMPLE_LINES = 2_000;

/** What `format` may be. */
export const FORMAT_NAMES: readonly string[] = [
  'auto',
  ...Object.keys(FORMATS),
  ...Object.keys(FORMAT_ALIASES),
];

/** Formats that need no options, in the order that breaks ties. */
const TELLING: readonly FormatName[] = [
  'w3c',
  'json-access',
  'elb',
  'nlb',
  'haproxy',
  'combined',
  'cloudfront-realtime',
];

/**
 * The plan for a file that begins with `head`; undefined for an empty one.
 * @param whole the head is the whole file
 * @throws FormatError if options are missing or useless, or no format matches any of the first lines
 */
export function readingPlan(
  request: FormatRequest,
  head: Buffer,
  whole: boolean,
  name: string,
): ReadingPlan | undefined {
  const lines = sampleLines(head, whole);
  const wrapper = request.unwrap ?? wrapperOf(lines);
  const bare = unwrappedLines(lines, wrapper);
  const asked = request.format ?? 'auto';
  const format = asked === 'auto' ? told(request, bare) : named(asked);
  if (format === undefined) {
    if (bare.length === 0 && lines.length === 0) return undefined;
    throw new UnknownFormat(`${name}: ${whyUnknown(request, bare)}`);
  }
  const plan = planFor(format, wrapper, request, bare);
  if (plan.header === true) checkHeader(plan, bare, name);
  return plan;
}

/** Checks a request as far as that is possible without a file. @throws FormatError if it can read none */
export function checkRequest(request: FormatRequest): void {
  const { format = 'auto', logFormat, where = [], entityRegex } = request;
  if (entityRegex !== undefined) regexOf(entityRegex);
  if (format !== 'auto' || logFormat !== undefined) {
    const name = format === 'auto' ? 'template' : named(format);
    parserOf(planFor(name, 'none', request, []));
  } else for (const text of where) if (text !== 'any') parseWhere(text);
}

function named(text: string): FormatName {
  const name = Object.hasOwn(FORMAT_ALIASES, text) ? FORMAT_ALIASES[text] : text;
  if (name !== undefined && Object.hasOwn(FORMATS, name)) return name as FormatName;
  throw new FormatError(`--format takes one of ${FORMAT_NAMES.join(', ')}, not ${text}`);
}

function sampleLines(head: Buffer, whole: boolean): Buffer[] {
  const splitter = new LineSplitter();
  const lines = [...splitter.push(head), ...(whole ? splitter.end() : [])];
  return lines
    .map(({ bytes }) => bytes)
    .filter((bytes) => bytes.toString('latin1').trim() !== '')
    .slice(0, SAMPLE_LINES);
}

function wrapperOf(lines: readonly Buffer[]): Wrapper {
  const around = WRAPPERS.slice(1).toReversed();
  return (
    around.find((one) => lines.filter((line) => unwrapped(line, one)).length * 2 > lines.length) ?? 'none'
  );
}

/** The format that matches most of the lines. */
function told(request: FormatRequest, lines: readonly Buffer[]): FormatName | undefined {
  if (request.logFormat !== undefined) return 'template';
  const texts = lines.map((line) => line.toString('latin1'));
  const json = texts.filter((text) => /^\s*(?:\{|\[\s*(?:\{|$))/.test(text)).length * 2 > texts.length;
  if (request.entity !== undefined && request.time !== undefined && !json) {
    const delimited = texts.filter((text) => text.includes(request.delimiter ?? ',')).length;
    if (request.delimiter === undefined && texts.some((text) => text.includes('\t'))) return 'columns';
    return delimited * 2 > texts.length ? 'csv' : 'columns';
  }
  // A named time field implies named fields, even if they are an access log's.
  const order: readonly FormatName[] =
    request.time === undefined ? [...TELLING, 'jsonl'] : ['jsonl', ...TELLING];
  const scores = order.map((format) => ({ format, lines: readable(format, request, lines) }));
  const best = scores.reduce((a, b) => (b.lines > a.lines ? b : a));
  return best.lines > 0 ? best.format : undefined;
}

function readable(format: FormatName, request: FormatRequest, lines: readonly Buffer[]): number {
  const parser = parserOf(basicPlan(format, 'none', request));
  const { entity = formatOf(format).entity ?? '', time } = request;
  const fits = (entry: Entry) => {
    if (format === 'json-access') return entry instanceof JsonEntry && entry.isRequest;
    const timed = time === undefined ? entry.at !== undefined : entry.field(time) != null;
    return timed && (format !== 'jsonl' || entry.field(entity) != null);
  };
  let count = 0;
  for (const line of lines) {
    const parsed = parser.parse(line);
    if (parsed.kind === 'entries' && parsed.entries.some(fits)) count += 1;
  }
  return count;
}

function basicPlan(format: FormatName, unwrap: Wrapper, request: FormatRequest): ReadingPlan {
  const { logFormat, delimiter, header, comment, time, timeUnit = 'auto', entity, metricField } = request;
  const { stripPrefix, entityRegex, lowercase, emptyEntity } = request;
  const chosen = entity ?? formatOf(format).entity;
  if (chosen === undefined || (['csv', 'columns'].includes(format) && time === undefined)) {
    throw new FormatError(
      `format ${format} needs --entity and --time: a column's number from 1, or its name in the header`,
    );
  }
  const own = {
    logFormat,
    delimiter,
    header,
    comment,
    time,
    stripPrefix,
    entityRegex,
    lowercase,
    emptyEntity,
    metricField,
  };
  return { format, unwrap, entity: chosen, timeUnit, where: [], ...own };
}

function planFor(
  format: FormatName,
  unwrap: Wrapper,
  request: FormatRequest,
  lines: readonly Buffer[],
): ReadingPlan {
  refuseUseless(format, request);
  let plan = basicPlan(format, unwrap, request);
  const fields = [plan.entity, plan.time ?? '1'];
  if (format === 'csv' || format === 'columns') {
    if (fields.includes('0')) throw new FormatError('columns are counted from 1');
    const header = plan.header === true || fields.some((field) => !/^\d+$/.test(field));
    const tabs = format === 'columns' && lines.some((line) => line.includes('\t'));
    plan =
      format === 'csv' ? { ...plan, header, delimiter: plan.delimiter ?? ',' } : { ...plan, header, tabs };
  }
  plan = { ...plan, where: conditionsFor(plan, request.where ?? []) };
  checkFields(plan);
  return plan;
}

const OPTION_NAMES: Readonly<Record<FormatOption, string>> = {
  logFormat: '--log-format',
  delimiter: '--delimiter',
  header: '--header',
  comment: '--comment',
  time: '--time',
  timeUnit: '--time-unit',
};

/** An option without effect would give other counts than the user expects. */
function refuseUseless(format: FormatName, request: FormatRequest): void {
  const { options } = formatOf(format);
  for (const [option, name] of Object.entries(OPTION_NAMES) as [FormatOption, string][]) {
    if (request[option] === undefined || request[option] === false || options.includes(option)) continue;
    throw new FormatError(`format ${format} cannot use ${name}`);
  }
  if (format === 'template' && request.logFormat === undefined)
    throw new FormatError('--format template needs --log-format');
}

function checkHeader(plan: ReadingPlan, lines: readonly Buffer[], name: string): void {
  const parser = parserOf({ ...plan, unwrap: 'none' });
  for (const line of lines) {
    parser.parse(line);
    const { header } = parser;
    if (header === undefined) continue;
    const conditions = plan.where.map((text) => text.split(/!?=/)[0]);
    for (const field of [plan.entity, plan.time, plan.metricField, ...conditions]) {
      if (field === undefined || /^\d+$/.test(field) || header.includes(field)) continue;
      throw new FormatError(
        `${name}: the header has no column ${field}; it has: ${header.join(', ').slice(0, 200)}`,
      );
    }
    return;
  }
}

function whyUnknown(request: FormatRequest, lines: readonly Buffer[]): string {
  const texts = lines.map((line) => line.toString('latin1'));
  if (texts.some((text) => / \[\d\d:\d\d:\d\d:\d\d\] "/.test(text))) {
    return 'its times have no month and no year ([DD:HH:MM:SS]), so its lines cannot be placed in a minute';
  }
  if (texts.some((text) => /^\s*\{/.test(text))) {
    const { entity = 'entity', time = 'at' } = request;
    return `it holds JSON, but no line has the fields ${entity} and ${time}, or a method, a path, a status and a time; name them with --entity and --time`;
  }
  return 'its format is not recognised: use --format or --log-format (docs/importing.md)';
}
