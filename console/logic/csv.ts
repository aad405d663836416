// What is shown, as CSV; pure.

/** One point as it is exported. */
export interface CsvPoint {
  readonly at: string;
  readonly n: number | bigint;
  readonly state: string;
  readonly previous: number | bigint | undefined;
}

/** RFC 4180, with the question in every row, so that files can be put together. */
export function csvOf(metric: string, entity: string, points: readonly CsvPoint[]): string {
  const head = ['metric', 'entity', 'at', 'n', 'state', 'previous'];
  const rows = points.map(({ at, n, state, previous }) => [metric, entity, at, n, state, previous ?? '']);
  return [head, ...rows].map((row) => row.map(cell).join(',')).join('\r\n');
}

/** Quoted where it must be; a formula is text to a spreadsheet only behind an apostrophe. */
function cell(value: string | number | bigint): string {
  if (typeof value !== 'string') return String(value);
  const safe = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
