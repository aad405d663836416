// The tables of docs/metrics.md as data: tests hold them against what functions emit and what alarms watch.
import { readFileSync } from 'node:fs';

/** One row of the tables. */
export interface DocumentedMetric {
  /** The function that emits it. */
  readonly service: string;
  /** Its name; `Rejected-<reason>` stands for one name a reason. */
  readonly name: string;
  readonly unit: string;
  /** `always` in a run in which nothing is wrong, or only on `trouble`. */
  readonly emitted: string;
}

/** Reads the tables: each under a heading that names the function, columns metric, unit, emitted and what it counts. */
export function documentedMetrics(): DocumentedMetric[] {
  const text = readFileSync('docs/metrics.md', 'utf8');
  return text
    .split(/^#+ /m)
    .filter((section) => section.includes('| metric | unit | emitted |'))
    .flatMap((section) => {
      const service = section.split('\n')[0]?.toLowerCase() ?? '';
      return [...section.matchAll(/^\| `([^`]+)` \| ([^|]+) \| ([^|]+) \|/gm)].map(
        ([, name = '', unit = '', emitted = '']) => ({
          service,
          name,
          unit: unit.trim(),
          emitted: emitted.trim(),
        }),
      );
    });
}
