// Does the cost of an event grow with the work? The same work 1, 10 and 100 times: faster, longer, of more entities, and both at once.
import { loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { short, table } from './cost/report.ts';
import { runOurs, tallyRun } from './cost/systems.ts';
import { zipfLog } from './cost/workloads.ts';
import { meteredWorld } from './cost/worlds.ts';

const { values } = parseArgs({
  options: {
    /** Events of the smallest work. */
    events: { type: 'string', default: '6000' },
    rounds: { type: 'string', default: '3' },
  },
});
const least = Number(values.events);
const rounds = Number(values.rounds);
const say = (text: string) => process.stdout.write(`${text}\n`);

/** One amount of work. */
interface Work {
  readonly perSecond: number;
  readonly entities: number;
  readonly events: number;
}

const WINDOW_SECONDS = 10;
const FACTORS = [1, 10, 100] as const;

/** What grows, and how. An hour's bucket for all: items grow as long as the work does. */
const KINDS: Readonly<Record<string, (factor: number) => Work>> = {
  'events a second': (factor) => ({ perSecond: 100 * factor, entities: 10_000, events: least * factor }),
  'length, at 1,000 events/s': (factor) => ({ perSecond: 1_000, entities: 10_000, events: least * factor }),
  'entities, at 1,000 events/s': (factor) => ({
    perSecond: 1_000,
    entities: 1_000 * factor,
    events: least * 10,
  }),
  'events a second and entities': (factor) => ({
    perSecond: 100 * factor,
    entities: 1_000 * factor,
    events: least * factor,
  }),
};

/** What an event of a work takes. */
async function eachEvent({ perSecond, entities, events }: Work) {
  const load = { log: zipfLog(entities, 1, events), events, perSecond, repeatEvery: 0 };
  const run = tallyRun(load, WINDOW_SECONDS, 1, { bucketMinutes: 5 });
  const before = process.cpuUsage();
  const figures = await runOurs(meteredWorld(), run);
  const { user, system } = process.cpuUsage(before);
  return { figures, cpuMicroseconds: (user + system) / events };
}

const median = (sorted: readonly number[]) => sorted[sorted.length >> 1] ?? 0;

const rows: string[][] = [];
const startMs = performance.now();
for (const [kind, workOf] of Object.entries(KINDS)) {
  const works = FACTORS.map(workOf);
  const cpu: number[][] = works.map(() => []);
  const lines: string[][] = [];
  // The first round warms up. Later ones take turns, so that whatever else the machine does is shared.
  for (let round = 0; round <= rounds; round += 1) {
    for (const [index, work] of works.entries()) {
      const { figures, cpuMicroseconds } = await eachEvent(work);
      if (round > 0 || rounds === 0) cpu[index]?.push(cpuMicroseconds);
      lines[index] = [
        kind,
        `${FACTORS[index]} ×`,
        work.perSecond.toLocaleString('en'),
        work.entities.toLocaleString('en'),
        work.events.toLocaleString('en'),
        short(figures.updates),
        short(figures.writeUnits / 1e6),
        short(figures.sdkCalls / 1e6),
        short(figures.sqsRequests),
        short(figures.usd),
      ];
    }
  }
  for (const [index, line] of lines.entries()) {
    const sorted = (cpu[index] ?? []).sort((a, b) => a - b);
    rows.push([...line, `${short(median(sorted))} (${short(sorted[0] ?? 0)}–${short(sorted.at(-1) ?? 0)})`]);
  }
}
say(`Method: as npm run bench:cost measures, for Zipf 1, one event a record, windows of ${WINDOW_SECONDS} s, buckets of five minutes. Units and calls are an event's, requests and dollars
a million events'. CPU: this process's time for an event in ${rounds} interleaved rounds after one to warm up, median with least and most; it has the making of events, the tables in
memory and the check of all counts in it. Node ${process.version}.\n`);
say(
  table(
    [
      'what grows',
      'work',
      'events/s',
      'entities',
      'events',
      'updates',
      'write units',
      'SDK calls',
      'SQS requests',
      'USD',
      'CPU, µs',
    ],
    rows,
  ),
);
const seconds = Math.round((performance.now() - startMs) / 1000);
say(`\nAll counts equal the reference. ${seconds} s, load of the machine ${loadavg()[0]?.toFixed(1)}.`);
