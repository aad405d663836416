// Real logs with published truths, for the cost benchmark. They are next to the repository, never in it.
import { existsSync, readFileSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import { gunzipSync } from 'node:zlib';
import { LEVELS, periodsOver } from '../../lambdas/core/level.ts';
import { decodeRows } from '../../lambdas/core/rows.ts';
import { DAY_MS } from '../../lambdas/core/time.ts';
import { countingStack, START_MS } from '../../plan/count.ts';
import { Meter } from '../../plan/meter.ts';

/** A log: the entity of each event, in the log's order, and how often each occurs, as counted by others. */
export type Log = NonNullable<ReturnType<typeof logOf>>;

/** Where a log is, and how to read it. */
export interface LogSource {
  readonly file: string;
  readonly metric: string;
  readonly headLines: number;
  entityOf(line: string): string;
}

/** The logs to look for, by name. */
export const REAL_LOGS: Readonly<Record<string, LogSource>> = {
  higgs: {
    file: 'snap_higgs-activity_time.txt.gz',
    metric: 'activity',
    headLines: 0,
    entityOf: (line) => line.split(' ')[1] ?? '',
  },
  thebutton: {
    file: 'reddit_thebutton-presses.csv.gz',
    metric: 'press',
    headLines: 1,
    entityOf: (line) => line.slice(line.indexOf(',') + 1) || '(none)',
  },
};

/** Reads a log; undefined when it is not on this machine. */
export function logOf(name: string, source: LogSource, folder: string) {
  const file = `${folder}/${source.file}`;
  if (!existsSync(file)) return undefined;
  const entities = linesOf(file).slice(source.headLines).map(source.entityOf);
  const truth = linesOf(`${folder}/truth/${name}.entity.tsv.gz`).map((line): [string, number] => {
    const [entity = '', views] = line.split('\t');
    return [entity, Number(views)];
  });
  return { name, metric: source.metric, entities, truth: new Map(truth) };
}

function linesOf(path: string): string[] {
  return gunzipSync(readFileSync(path)).toString('utf8').trimEnd().split('\n');
}

/**
 * Counts a log, one event per record, at the given rate.
 * @returns units of one event, and its write units by purpose
 * @throws Error when a level's counts differ from the truth
 */
export async function runLog({ name, metric, entities, truth }: Log, eventsPerSecond: number) {
  const meter = new Meter();
  const settings = { hashSlots: 64, windowSeconds: 10, compactionSeconds: 300, dedupWindowSeconds: 600 };
  const stack = countingStack(settings, meter);
  for (const [index, entity] of entities.entries()) {
    const atMs = START_MS + Math.floor((index * 1000) / eventsPerSecond);
    await stack.take(atMs, [{ id: `event-${index}`, metric, entity, atMs }]);
  }
  await stack.finish(2 * DAY_MS);
  const endMs = START_MS + (entities.length * 1000) / eventsPerSecond;
  for (const level of LEVELS) {
    const sums = new Map<string, number>();
    for (const period of periodsOver(level, START_MS, endMs)) {
      for await (const { rows } of stack.ports.store.blocksOf(period)) {
        for (const { entity, cells } of decodeRows(rows)) {
          for (const n of cells.values()) sums.set(entity, (sums.get(entity) ?? 0) + Number(n));
        }
      }
    }
    if (!isDeepStrictEqual(sums, truth)) throw new Error(`${name}: the ${level} differ from the truth`);
  }
  const each = (units: number) => units / entities.length;
  const { writeUnits, readUnits } = meter.total();
  const { sqsRequests } = meter;
  return {
    // A record of one event is one payload unit.
    event: {
      writeUnits: each(writeUnits),
      readUnits: each(readUnits),
      sqsRequests: each(sqsRequests),
      putUnits: 1,
    },
    parts: Object.fromEntries([...meter.units].map(([purpose, units]) => [purpose, each(units.writeUnits)])),
  };
}
