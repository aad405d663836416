// What the console makes of an answer: its zone, its points with those of the period before, CSV; pure.
import type { CountsAnswer } from '../../client/src/index.ts';

/** The zone of the points' times: days, weeks and months are those of the answer, which may be UTC's. */
export function zoneOf({ grain, tz }: Pick<CountsAnswer, 'grain' | 'tz'>, chosen: string): string {
  return grain === 'minute' || grain === 'hour' ? chosen : tz;
}

/** The period before, if it is cut in the same way: past a retention its points are coarser. */
export function comparable({ grain, tz, previous }: CountsAnswer): CountsAnswer['previous'] {
  return previous?.grain === grain && previous.tz === tz ? previous : undefined;
}

/** The points, each with its count in the period before. */
export function pointsOf(answer: CountsAnswer) {
  const before = comparable(answer)?.points;
  return answer.points.map(({ at, n, state }, index) => ({ at, n, state, previous: before?.[index]?.n }));
}

/** The points as CSV, RFC 4180. Every row names metric and entity, so that files can be concatenated. */
export function csvOf(answer: CountsAnswer): string {
  const { metric, entity } = answer;
  const head = ['metric', 'entity', 'at', 'n', 'state', 'previous'];
  const points = pointsOf(answer);
  const rows = points.map(({ at, n, state, previous }) => [metric, entity, at, n, state, previous ?? '']);
  return [head, ...rows].map((row) => row.map(cell).join(',')).join('\r\n');
}

/** A spreadsheet treats a formula as text only behind an apostrophe. */
function cell(value: string | number | bigint): string {
  if (typeof value !== 'string') return String(value);
  const safe = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
