// Makes a reading plan from the user's options and a file's first bytes.
import { TIME_ALONE } from './http-log.ts';
import { JsonEntry } from './json.ts';
import { LineSplitter } from './lines.ts';
import {
  FORMAT_ALIASES,
  FORMAT_OPTIONS,
  FORMATS,
  type FormatName,
  formatOf,
  parserOf,
  type ReadingPlan,
} from './plan.ts';
import { type Entry, FormatError, UnknownFormat } from './reading.ts';
import { REQUEST_FIELDS } from './request.ts';
import { parseWhere, regexOf } from './select.ts';
import { templateOf } from './template.ts';
import { UNWRAP, unwrappedLines, WRAPPERS, type Wrapper } from './unwrap.ts';

type Loose<T> = { readonly [name in keyof T]?: T[name] | undefined };

/** The user's options for reading a file; all optional. */
export interface FormatRequest extends Loose<Omit<ReadingPlan, 'format' | 'tabs'>> {
  /** A format's name, or `auto`. */
  readonly format?: string | undefined;
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
export const FORMAT_NAMES: readonly string[] = ['auto', ...Object.keys(FORMATS), ...FORMAT_ALIASES.keys()];

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
  const { format: asked = 'auto', unwrap = wrapperOf(lines) } = request;
  const bare = unwrappedLines(lines, unwrap);
  const format = asked === 'auto' ? told(request, bare) : named(asked);
  if (format === undefined) {
    if (lines.length === 0 && whole) return undefined;
    throw new UnknownFormat(`${name}: ${whyUnknown(request, bare)}`);
  }
  const plan = planFor(format, { ...request, unwrap }, bare);
  if (plan.header === true) checkHeader(plan, bare, name);
  return plan;
}

/** Checks a request as far as that is possible without a file. @throws FormatError if it can read none */
export function checkRequest(request: FormatRequest): void {
  const { format = 'auto', logFormat, where = [], entityRegex } = request;
  if (entityRegex !== undefined) regexOf(entityRegex);
  if (format !== 'auto' || logFormat !== undefined)
    parserOf(planFor(format === 'auto' ? 'template' : named(format), request, []));
  else for (const text of where) if (text !== 'any') parseWhere(text);
}

function named(text: string): FormatName {
  const name = FORMAT_ALIASES.get(text) ?? text;
  if (Object.hasOwn(FORMATS, name)) return name as FormatName;
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
  const isAround = (one: Wrapper) => lines.filter((line) => UNWRAP[one](line)).length * 2 > lines.length;
  return WRAPPERS.slice(1).toReversed().find(isAround) ?? 'none';
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
  const parser = parserOf(basicPlan(format, { ...request, unwrap: 'none' }));
  const { entity = formatOf(format).entity ?? '', time } = request;
  const fits = (entry: Entry) => {
    if (format === 'json-access') return entry instanceof JsonEntry && entry.isRequest;
    const timed = time === undefined ? entry.at !== undefined : entry.field(time) != null;
    return timed && (format !== 'jsonl' || entry.field(entity) != null);
  };
  const parsed = lines.map((line) => parser.parse(line));
  return parsed.filter((one) => one.kind === 'entries' && one.entries.some(fits)).length;
}

function basicPlan(format: FormatName, request: FormatRequest): ReadingPlan {
  const { unwrap = 'none', entity = formatOf(format).entity, time, timeUnit = 'auto' } = request;
  const isTable = format === 'csv' || format === 'columns';
  if (entity === undefined || (isTable && time === undefined)) {
    throw new FormatError(
      `format ${format} needs --entity and --time: a column's number from 1, or its name in the header`,
    );
  }
  // Nothing but these: a second import of a file must have an equal plan, whatever else its request holds.
  const { logFormat, delimiter, header, comment } = request;
  const { stripPrefix, entityRegex, lowercase, emptyEntity, metricField } = request;
  return {
    ...{ format, unwrap, logFormat, delimiter, header, comment },
    ...{ entity, stripPrefix, entityRegex, lowercase, emptyEntity, metricField },
    ...{ time, timeUnit, where: [] },
  };
}

function planFor(format: FormatName, request: FormatRequest, lines: readonly Buffer[]): ReadingPlan {
  refuseUseless(format, request);
  let plan = basicPlan(format, request);
  if (format === 'csv' || format === 'columns') {
    const fields = [plan.entity, plan.time ?? '1'];
    if (fields.includes('0')) throw new FormatError('columns are counted from 1');
    const header = plan.header === true || fields.some((field) => !/^\d+$/.test(field));
    const tabs = lines.some((line) => line.includes('\t'));
    plan = { ...plan, header, ...(format === 'csv' ? { delimiter: plan.delimiter ?? ',' } : { tabs }) };
  }
  plan = { ...plan, where: conditionsFor(plan, request.where ?? []) };
  checkFields(plan);
  return plan;
}

/** The fields of a plan's format; undefined: those named in the file. */
function fieldsOf({ format, logFormat = '' }: ReadingPlan): readonly string[] | undefined {
  const named = format === 'template' ? templateOf(logFormat).names : undefined;
  const { access, fields = named } = formatOf(format);
  // A template without a status is of no access log.
  const isAccess = access && (named?.includes('status') ?? true);
  return isAccess && fields ? [...REQUEST_FIELDS, ...fields] : fields;
}

/** Default filters of an access log, unless the user filters the same field. */
const DEFAULT_WHERE = ['method=GET', 'status=200'];

/** The user's conditions plus the format's; `any` alone means all. @throws FormatError for a field the format does not have */
function conditionsFor(plan: ReadingPlan, where: readonly string[]): string[] {
  const given = where.filter((text) => text !== 'any');
  const named = new Set(given.map((text) => parseWhere(text).field));
  const requests = formatOf(plan.format).access && (fieldsOf(plan)?.includes('status') ?? true);
  const standard = requests && !where.includes('any') ? DEFAULT_WHERE : [];
  return [...standard.filter((text) => !named.has(parseWhere(text).field)), ...given].toSorted();
}

/** The fields that a plan reads, besides the time. */
function usedFields({ entity, metricField, where }: ReadingPlan): string[] {
  const conditions = where.map((text) => parseWhere(text).field);
  return [entity, ...(metricField === undefined ? [] : [metricField]), ...conditions];
}

/** @throws FormatError if the plan uses a field that the format does not have */
function checkFields(plan: ReadingPlan): void {
  const fields = fieldsOf(plan);
  const missing = fields && usedFields(plan).find((field) => !fields.includes(field));
  if (missing === undefined) return;
  throw new FormatError(
    `format ${plan.format} has no field ${missing}; it has ${[...new Set(fields)].join(', ')}`,
  );
}

/** An option without effect would give other counts than the user expects. */
function refuseUseless(format: FormatName, request: FormatRequest): void {
  const { options } = formatOf(format);
  for (const option of FORMAT_OPTIONS) {
    if (request[option] === undefined || request[option] === false || options.includes(option)) continue;
    const name = option.replace(/[A-Z]/g, '-$&').toLowerCase();
    throw new FormatError(`format ${format} cannot use --${name}`);
  }
  if (format === 'template' && request.logFormat === undefined)
    throw new FormatError('--format template needs --log-format');
}

function checkHeader(plan: ReadingPlan, lines: readonly Buffer[], name: string): void {
  const parser = parserOf({ ...plan, unwrap: 'none' });
  for (const line of lines) {
    parser.parse(line);
    if (parser.header !== undefined) break;
  }
  const { header } = parser;
  const named = [plan.time ?? '1', ...usedFields(plan)].filter((field) => !/^\d+$/.test(field));
  const missing = header && named.find((field) => !header.includes(field));
  if (missing === undefined) return;
  throw new FormatError(
    `${name}: the header has no column ${missing}; it has: ${header?.join(', ').slice(0, 200)}`,
  );
}

function whyUnknown(request: FormatRequest, lines: readonly Buffer[]): string {
  const texts = lines.map((line) => line.toString('latin1'));
  if (texts.some((text) => TIME_ALONE.test(text))) {
    return 'its times have no month and no year ([DD:HH:MM:SS]), so its lines cannot be placed in a minute';
  }
  if (texts.some((text) => /^\s*\{/.test(text))) {
    const { entity = 'entity', time = 'at' } = request;
    return `it holds JSON, but no line has the fields ${entity} and ${time}, or a method, a path, a status and a time; name them with --entity and --time`;
  }
  return 'its format is not recognised: use --format or --log-format (docs/importing.md)';
}
