// The table of formats, and the reading plan: everything that determines a file's events.
import { blanksParser, type ColumnsSettings, csvParser } from './columns.ts';
import { ELB, HAPROXY, httpLogParser, LOG_FIELDS } from './http-log.ts';
import { jsonParser } from './json.ts';
import { byAlias, type LineParser } from './reading.ts';
import type { Selection } from './select.ts';
import { templateParser } from './template.ts';
import { unwrappingParser, type Wrapper } from './unwrap.ts';
import { NLB_FIELDS, nlbParser, REALTIME_FIELDS, realtimeParser, w3cParser } from './w3c.ts';

/**
 * How to read a file; plain data. Two imports of a file under one metric must have equal plans, or they would mix events of
 * different readings; an import's state stores its plan.
 */
export interface ReadingPlan extends Selection, ColumnsSettings {
  readonly format: FormatName;
  readonly unwrap: Wrapper;
  readonly logFormat?: string | undefined;
}

/** Options that only some formats support. */
export const FORMAT_OPTIONS = ['logFormat', 'time', 'timeUnit', 'delimiter', 'header', 'comment'] as const;

interface Format {
  parser(plan: ReadingPlan, header: readonly string[] | undefined): LineParser;
  /** Its fields besides those of every access log; undefined: those named in the file, or in the template. */
  readonly fields?: readonly string[];
  readonly options: readonly (typeof FORMAT_OPTIONS)[number][];
  /** The default entity field. */
  readonly entity?: string;
  /** Whether only GET and status 200 count by default. */
  readonly access?: boolean;
}

const access = { access: true, entity: 'path', options: [] } as const;

export const FORMATS = {
  combined: { ...access, parser: httpLogParser, fields: LOG_FIELDS },
  haproxy: { ...access, ...HAPROXY },
  elb: { ...access, ...ELB },
  nlb: { entity: 'domain_name', options: [], parser: nlbParser, fields: NLB_FIELDS },
  w3c: { ...access, parser: (_, header) => w3cParser(header) },
  'cloudfront-realtime': { ...access, parser: realtimeParser, fields: REALTIME_FIELDS },
  template: { ...access, options: ['logFormat'], parser: ({ logFormat = '' }) => templateParser(logFormat) },
  'json-access': { ...access, options: ['time', 'timeUnit'], parser: jsonParser },
  jsonl: { entity: 'entity', options: ['time', 'timeUnit'], parser: jsonParser },
  csv: { options: ['time', 'timeUnit', 'delimiter', 'header', 'comment'], parser: csvParser },
  columns: { options: ['time', 'timeUnit', 'header', 'comment'], parser: blanksParser },
} as const satisfies Record<string, Format>;

export type FormatName = keyof typeof FORMATS;

/** What else formats are called. */
export const FORMAT_ALIASES: ReadonlyMap<string, FormatName> = byAlias({
  combined: 'common clf nginx apache s3',
  elb: 'alb clb',
  nlb: 'nlb-tls',
  w3c: 'cloudfront iis',
  jsonl: 'json',
});

/** A format's settings, with the general type. */
export function formatOf(name: FormatName): Format {
  return FORMATS[name];
}

/** A new parser for one pass over a file. @param header from an earlier parser, if this one continues there */
export function parserOf(plan: ReadingPlan, header?: readonly string[]): LineParser {
  return unwrappingParser(formatOf(plan.format).parser(plan, header), plan.unwrap);
}
