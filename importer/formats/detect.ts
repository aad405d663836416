// Turns what the user asked for, and a file's first bytes, into a reading plan.

import { UsageError } from '../errors.ts';
import { LineSplitter } from '../lines.ts';
import { csvReader } from './csv.ts';
import { type FormatName, lineReader, type ReadingPlan } from './index.ts';
import type { TimeUnit } from './time.ts';

/** The options of the command line that say how to read a file. */
export interface FormatRequest {
  readonly format: FormatName | 'auto';
  readonly methods: readonly string[] | undefined;
  readonly statuses: readonly string[] | undefined;
  readonly unwrapQuotes: boolean;
  readonly entityField: string | undefined;
  readonly timeField: string | undefined;
  readonly timeUnit: TimeUnit;
  readonly entityColumn: string | undefined;
  readonly timeColumn: string | undefined;
  readonly header: boolean;
  readonly delimiter: string;
  readonly comment: string | undefined;
  readonly emptyEntity: string | undefined;
}

/** Lines looked at to tell a format. */
const sampleLinesMax = 50;

/**
 * The plan for a file that begins with `head`. Throws UsageError where options are missing, or where `auto` finds no
 * format that reads any of the first lines; nothing has been sent then.
 * @param whole the head is the whole file
 */
export function readingPlan(request: FormatRequest, head: Buffer, whole: boolean, name: string): ReadingPlan {
  const lines = sampleLines(head, whole);
  if (request.format !== 'auto') {
    const plan = planFor(request.format, request);
    if (plan.format === 'csv') checkHeader(plan, lines, name);
    return plan;
  }
  const candidate = candidateFor(request, lines);
  if (candidate) {
    const plan = planFor(candidate, request);
    if (plan.format === 'csv') checkHeader(plan, lines, name);
    const unwrapped = 'unwrapQuotes' in plan ? { ...plan, unwrapQuotes: true } : plan;
    const fitting = [plan, unwrapped].find((one) => readsAny(one, lines));
    if (fitting) return fitting;
  }
  throw new UsageError(`${name}: ${whyUnknown(candidate, request, lines)}`);
}

function sampleLines(head: Buffer, whole: boolean): Buffer[] {
  const splitter = new LineSplitter();
  const lines = [...splitter.push(head), ...(whole ? splitter.end() : [])];
  return lines.slice(0, sampleLinesMax).map((line) => line.bytes);
}

function candidateFor(request: FormatRequest, lines: readonly Buffer[]): FormatName | undefined {
  const texts = lines.map((line) => line.toString('latin1'));
  if (request.entityColumn !== undefined) {
    return texts.some((text) => text.includes(request.delimiter)) ? 'csv' : 'columns';
  }
  if (texts.some((text) => /^#Fields:.*\bcs-uri-stem\b/.test(text))) return 'cloudfront';
  if (texts.some((text) => /^(?:\xef\xbb\xbf)?\s*\{/.test(text))) return 'jsonl';
  if (texts.some((text) => /^(?:https?|h2|grpcs|wss?) \d{4}-\d\d-\d\dT/.test(text))) return 'alb';
  return texts.some((text) => / \[\d\d\/[A-Z][a-z]{2}\/\d{4}:/.test(text)) ? 'combined' : undefined;
}

function readsAny(plan: ReadingPlan, lines: readonly Buffer[]): boolean {
  const reader = lineReader(plan);
  const kinds = new Set(lines.map((line) => reader.read(line).kind));
  // Nothing but headers: there is nothing yet that could contradict the plan.
  return kinds.has('event') || kinds.has('skipped') || !kinds.has('malformed');
}

function planFor(format: FormatName, request: FormatRequest): ReadingPlan {
  const { timeUnit, comment, emptyEntity } = request;
  const filter = { methods: request.methods, statuses: request.statuses };
  if (format === 'combined' || format === 'common') {
    return { format: 'combined', unwrapQuotes: request.unwrapQuotes, ...filter };
  }
  if (format === 'cloudfront' || format === 'alb') return { format, ...filter };
  if (format === 'jsonl') {
    const { entityField = 'entity', timeField = 'at' } = request;
    return { format, entityField, timeField, timeUnit, emptyEntity };
  }
  const { entityColumn, timeColumn } = request;
  if (entityColumn === undefined || timeColumn === undefined) {
    throw new UsageError(`--format ${format} needs --entity-column and --time-column`);
  }
  const entity = columnOf(entityColumn);
  const time = columnOf(timeColumn);
  if (format === 'csv') {
    const header = request.header || typeof entity === 'string' || typeof time === 'string';
    return {
      format,
      entityColumn: entity,
      timeColumn: time,
      timeUnit,
      delimiter: request.delimiter,
      header,
      emptyEntity,
      comment,
    };
  }
  if (typeof entity === 'string' || typeof time === 'string') {
    throw new UsageError('--format columns takes column numbers, counted from 1');
  }
  return { format, entityColumn: entity, timeColumn: time, timeUnit, comment };
}

function columnOf(text: string): string | number {
  if (!/^\d+$/.test(text)) return text;
  if (Number(text) < 1) throw new UsageError('columns are counted from 1');
  return Number(text);
}

function checkHeader(plan: ReadingPlan & { format: 'csv' }, lines: readonly Buffer[], name: string): void {
  const reader = csvReader(plan);
  for (const line of lines) {
    const reading = reader.read(line);
    if (reading.kind === 'malformed' && reading.reason.startsWith('the header names no column')) {
      throw new UsageError(
        `${name}: ${reading.reason}; its first line is: ${lines[0]?.toString().slice(0, 200)}`,
      );
    }
  }
}

function whyUnknown(
  candidate: FormatName | undefined,
  request: FormatRequest,
  lines: readonly Buffer[],
): string {
  if (lines.some((line) => / \[\d\d:\d\d:\d\d:\d\d\] "/.test(line.toString('latin1')))) {
    return 'its times have no month and no year ([DD:HH:MM:SS]), so that its lines cannot be placed in a minute';
  }
  if (candidate === 'jsonl') {
    const { entityField = 'entity', timeField = 'at' } = request;
    return `it holds JSON lines, but none of the first has the fields ${entityField} and ${timeField}; name them with --entity-field and --time-field`;
  }
  if (candidate) return `it looks like ${candidate}, but none of its first lines can be read as such`;
  return 'its format is not recognised; name it with --format (see docs/importing.md)';
}
