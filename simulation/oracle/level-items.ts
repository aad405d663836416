// Items of levels, read without the pipeline's help.

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** An item of a level, as its sort key `METRIC#D#2026-11-22` names it, read without the pipeline's help. */
export function readLevelKey(sk: string): { metric: string; level: string; startMs: number } {
  const [metric = '', level = '', period = ''] = sk.split('#');
  const date = level === 'M' ? `${period}-01` : period;
  return { metric, level, startMs: level === 'T' ? 0 : Date.parse(`${date}T00:00:00Z`) };
}

/** The sums of a level's item by the start of their hour, day or month, read without the pipeline's help. */
export function readLevelSums(startMs: number, numbers: ReadonlyMap<string, bigint>): Map<number, bigint> {
  const sums = new Map<number, bigint>();
  for (const [name, sum] of numbers) {
    const number = Number(name.slice(1));
    if (/^h\d\d$/.test(name)) sums.set(startMs + number * HOUR_MS, sum);
    else if (/^d\d\d$/.test(name)) sums.set(startMs + (number - 1) * DAY_MS, sum);
    else if (/^m\d{6}$/.test(name)) sums.set(Date.UTC(Math.floor(number / 100), (number % 100) - 1), sum);
  }
  return sums;
}
