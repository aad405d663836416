// The points of a chart as CSV; pure.
import type { CountsAnswer } from '../../client/src/index.ts';

type Point = CountsAnswer['points'][number];
/** A point, with the count of the one in the period before. */
export type CsvPoint = Pick<Point, 'at' | 'n' | 'state'> & { readonly previous: Point['n'] | undefined };

/** RFC 4180. Every row names metric and entity, so that files can be concatenated. */
export function csvOf(metric: string, entity: string, points: readonly CsvPoint[]): string {
  const head = ['metric', 'entity', 'at', 'n', 'state', 'previous'];
  const rows = points.map(({ at, n, state, previous }) => [metric, entity, at, n, state, previous ?? '']);
  return [head, ...rows].map((row) => row.map(cell).join(',')).join('\r\n');
}

/** A spreadsheet treats a formula as text only behind an apostrophe. */
function cell(value: string | number | bigint): string {
  if (typeof value !== 'string') return String(value);
  const safe = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
