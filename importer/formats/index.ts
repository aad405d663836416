// The table of formats: the settings of each, and the reader they make.

import { albReader } from './alb.ts';
import { cloudfrontReader } from './cloudfront.ts';
import { type ColumnsSettings, columnsReader } from './columns.ts';
import { type CsvSettings, csvReader } from './csv.ts';
import { httpLogReader } from './http-log.ts';
import { type JsonlSettings, jsonlReader } from './jsonl.ts';
import type { LineReader, RequestFilter } from './reading.ts';

/**
 * Everything that decides which events a file's bytes mean. Two imports of a file under one metric must have equal
 * plans; the import state remembers it.
 */
export type ReadingPlan =
  | ({ readonly format: 'combined'; readonly unwrapQuotes: boolean } & RequestFilter)
  | ({ readonly format: 'cloudfront' | 'alb' } & RequestFilter)
  | ({ readonly format: 'jsonl' } & JsonlSettings)
  | ({ readonly format: 'csv' } & CsvSettings)
  | ({ readonly format: 'columns' } & ColumnsSettings);

/** Names the user may give; `common` and `combined` are one grammar. */
export type FormatName = ReadingPlan['format'] | 'common';

export const formatNames: readonly FormatName[] = [
  'combined',
  'common',
  'cloudfront',
  'alb',
  'jsonl',
  'csv',
  'columns',
];

/** A fresh reader for one pass over one file. */
export function lineReader(plan: ReadingPlan): LineReader {
  switch (plan.format) {
    case 'combined':
      return httpLogReader(plan, plan.unwrapQuotes);
    case 'cloudfront':
      return cloudfrontReader(plan);
    case 'alb':
      return albReader(plan);
    case 'jsonl':
      return jsonlReader(plan);
    case 'csv':
      return csvReader(plan);
    case 'columns':
      return columnsReader(plan);
  }
}
