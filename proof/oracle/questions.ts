// Queries at rest, through the query's own use cases: every minute is what happened, every coarser grain its sum.

import { goneAtMs, type Level, periodAt } from '../../lambdas/core/level.ts';
import { retentionsKept } from '../../lambdas/core/watermark.ts';
import type { CountAnswer } from '../../lambdas/query/count-answer.ts';
import { parseCountQuery } from '../../lambdas/query/count-query.ts';
import { InvalidQuery } from '../../lambdas/query/invalid-query.ts';
import { type QueryPorts, type QuerySettings, readCounts } from '../../lambdas/query/read-counts.ts';
import { readTop, type TopPorts } from '../../lambdas/query/read-top.ts';
import { parseTopQuery, type TopGrain } from '../../lambdas/query/top-query.ts';
import { valueIn } from '../simulation/value-in.ts';
import { checkAnswer } from './answers.ts';
import { MinuteSums } from './sums.ts';
import { Violation } from './violation.ts';

/** How the query is asked: its ports and settings, and a listener for every answer. */
export interface Asking {
  readonly ports: QueryPorts & TopPorts;
  readonly settings: QuerySettings;
  readonly heard?: (answer: CountAnswer) => void;
}
type Parameters_ = Readonly<Record<string, string>>;

/** Every grain, and days and months in zones other than UTC. */
const COARSER: readonly Parameters_[] = [
  { by: 'hour' },
  { by: 'day' },
  { by: 'day', tz: 'Asia/Kathmandu' },
  { by: 'week' },
  { by: 'month' },
  { by: 'month', tz: 'Europe/Berlin' },
  { by: 'total' },
];
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const TOP_LEVELS: readonly (readonly [TopGrain, Level])[] = [
  ['hour', 'hours'],
  ['day', 'days'],
  ['month', 'months'],
  ['total', 'all'],
];

/** Asks the same about many counters at once, page by page. @returns the answers by counter */
async function ask(
  names: readonly string[],
  first: Parameters_,
  { ports, settings, heard }: Asking,
): Promise<Map<string, CountAnswer[]>> {
  const answers = new Map<string, CountAnswer[]>(names.map((name) => [name, []]));
  let left = names.map((name) => ({ name, parameters: first }));
  while (left.length > 0) {
    const queries = left.map(({ name, parameters }) => {
      const [metric = '', entity = ''] = name.split('\n');
      return parseCountQuery(metric, entity, parameters, ports.clock.nowMs());
    });
    const reads = await readCounts(queries, ports, settings);
    left = left.flatMap(({ name }, index) => {
      const read = reads[index];
      if (read === undefined || read instanceof InvalidQuery) throw read ?? new Error('no answer');
      answers.get(name)?.push(read.answer);
      heard?.(read.answer);
      return read.answer.next === undefined ? [] : [{ name, parameters: { next: read.answer.next } }];
    });
  }
  return answers;
}

/** Above this number, only some counters are asked for. */
const NAMES_MAX = 200;

/** Counters, and when they may have anything. */
export interface Asked {
  readonly names: readonly string[];
  readonly firstMs: number;
  readonly lastMs: number;
  /** Hours in which something is expected, with what lies less than a day between them. */
  readonly stretches: readonly (readonly [fromMs: number, toMs: number])[];
}

/** Counters of which something is expected, and when it is. */
export function askedOf(counters: ReadonlyMap<string, ReadonlyMap<number, unknown>>): Asked {
  const names = [...counters.keys()].filter((_, place) => place % Math.ceil(counters.size / NAMES_MAX) === 0);
  const times = names.flatMap((name) => [...(counters.get(name)?.keys() ?? [])]);
  return {
    names,
    firstMs: times.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY),
    lastMs: times.reduce((a, b) => Math.max(a, b), 0),
    stretches: stretchesOf(times),
  };
}

function stretchesOf(times: readonly number[]): [fromMs: number, toMs: number][] {
  const stretches: [number, number][] = [];
  for (const hourMs of [...new Set(times.map(hourOf))].sort((a, b) => a - b)) {
    const last = stretches.at(-1);
    if (last !== undefined && hourMs < last[1] + DAY_MS) last[1] = hourMs + HOUR_MS;
    else stretches.push([hourMs, hourMs + HOUR_MS]);
  }
  return stretches;
}

/**
 * The minutes of counters, as the query answers them. Weeks in which nothing is expected are not asked by the minute: what
 * is there nevertheless, `checkGrains` finds.
 */
export async function minutesOf({ names, stretches }: Asked, asking: Asking): Promise<MinuteSums> {
  const sums = new MinuteSums();
  for (const [fromMs, toMs] of stretches) {
    const range = { from: String(fromMs), to: String(toMs) };
    const answers = await ask(names, { by: 'minute', limit: '2000', ...range }, asking);
    for (const [name, pages] of answers) {
      for (const { at, n } of pages.flatMap(({ points }) => points))
        sums.add(name, Date.parse(at), Number(n));
    }
  }
  return sums;
}

/** Answers in every coarser grain for the whole range; for a grain that is not kept, in a coarser one. */
export async function coarserOf(
  { names, firstMs, lastMs }: Asked,
  asking: Asking,
): Promise<readonly (readonly [name: string, answer: CountAnswer])[]> {
  const found: (readonly [string, CountAnswer])[] = [];
  // Without `to`, an answer ends now, but an event's time may lie some minutes ahead.
  const latestMs = Math.max(lastMs, asking.ports.clock.nowMs());
  const toMs = latestMs - (latestMs % DAY_MS) + 2 * DAY_MS;
  for (const by of ['hour', 'day', 'month', 'total']) {
    const from = by === 'total' ? '0' : String(firstMs - (firstMs % DAY_MS));
    for (const [name, answers] of await ask(names, { by, from, to: String(toMs) }, asking))
      for (const answer of answers) found.push([name, answer]);
  }
  return found;
}

/**
 * Checks that coarser grains agree with the minutes. A third of the questions are asked; a campaign asks all.
 * @throws Violation for a sum that differs
 */
export async function checkGrains(
  { names, firstMs, lastMs }: Asked,
  minutes: MinuteSums,
  asking: Asking,
): Promise<void> {
  for (const [index, question] of COARSER.entries()) {
    if ((index + names.length) % 3 !== 0) continue;
    const fromMs = firstMs - (firstMs % DAY_MS);
    const toMs = lastMs - (lastMs % DAY_MS) + 2 * DAY_MS;
    const range = question['by'] === 'total' ? {} : { from: String(fromMs), to: String(toMs) };
    for (const [name, answers] of await ask(names, { ...question, ...range }, asking)) {
      const sumOf = (fromMs: number, toMs: number) => {
        const sum = minutes.within(name, fromMs, toMs);
        return { least: sum, most: sum };
      };
      for (const answer of answers) checkAnswer(answer, sumOf, ['levels are right', 'levels are right']);
    }
  }
}

/** Checks the top lists of all periods that are complete in their levels. */
export async function checkTops(minutes: MinuteSums, { ports, settings }: Asking): Promise<void> {
  const state = await ports.state.readState();
  const nowMs = ports.clock.nowMs();
  const kept = retentionsKept(await ports.watermarks.readWatermark(), settings.retentions);
  for (const [by, level] of TOP_LEVELS) {
    if (state[level].plan !== undefined || state[level].hourEpoch !== state.hours.epoch) continue;
    for (const [period, entities] of rankings(minutes, level)) {
      const [metric = '', startMs = ''] = period.split('\n');
      if (Number(startMs) > nowMs) continue;
      // Minutes may be kept for longer than the list of their day, if retentions were changed.
      if (goneAtMs({ level, startMs: Number(startMs) }, kept) <= nowMs) continue;
      const at = by === 'total' ? {} : { at: startMs };
      const query = parseTopQuery(metric, { by, k: '100', ...at }, nowMs);
      const { answer } = await readTop(query, ports, settings);
      const said = answer.entries.map(({ entity, n }) => `${entity} ${n}`).join(', ');
      const ranked = [...entities].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1)).slice(0, 100);
      const wanted = ranked.map(([entity, n]) => `${entity} ${n}`).join(', ');
      if (said !== wanted) {
        throw new Violation(
          'top lists are right',
          `the top of ${metric} in the ${by} of ${answer.from} is ${said}, and not ${wanted}`,
        );
      }
    }
  }
}

/** Sums of entities, by metric and start of period. */
function rankings(minutes: MinuteSums, level: Level): Map<string, Map<string, number>> {
  const found = new Map<string, Map<string, number>>();
  for (const [name, sums] of minutes.counters) {
    const [metric = '', entity = ''] = name.split('\n');
    for (const [minuteMs, n] of sums) {
      const key = `${metric}\n${periodAt(level, minuteMs).startMs}`;
      const entities = valueIn(found, key, () => new Map<string, number>());
      entities.set(entity, (entities.get(entity) ?? 0) + n);
    }
  }
  return found;
}

function hourOf(atMs: number): number {
  return atMs - (atMs % HOUR_MS);
}
