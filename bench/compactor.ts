// How far does one compactor get? Touched hours looked at a second, items recomputed a second, and what both take of a processor.
import { availableParallelism, loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import pLimit from 'p-limit';
import { compact } from '../lambdas/compactor/compact.ts';
import { type CompactorSettings, emptyReport } from '../lambdas/compactor/compaction.ts';
import { takeStep } from '../lambdas/compactor/take-step.ts';
import { Sweep } from '../lambdas/counting/sweep.ts';
import { DAY_MS, dayStartMs, HOUR_MS } from '../lambdas/counting/time.ts';
import { TOP_ENTRIES_MAX, TOP_MAX } from '../lambdas/counting/top-list.ts';
import { busyHour, HOUR, SUM } from './compactor/busy-hour.ts';

const { values } = parseArgs({
  options: {
    entities: { type: 'string', default: '30000' },
    segments: { type: 'string', default: '100' },
    events: { type: 'string', default: '6930' },
    shards: { type: 'string', default: '10' },
    held: { type: 'string', default: '300000' },
    rounds: { type: 'string', default: '3' },
  },
});
const [entities, segments, eventsEach] = [values.entities, values.segments, values.events].map(Number) as [
  number,
  number,
  number,
];
const [shards, held, rounds] = [values.shards, values.held, values.rounds].map(Number) as [
  number,
  number,
  number,
];

// As a function has them. No endpoint: the SDK's own, which nothing reaches.
Object.assign(process.env, {
  ...{ AWS_REGION: 'us-east-1', AWS_ACCESS_KEY_ID: 'local', AWS_SECRET_ACCESS_KEY: 'local' },
});

/** As the compactor's handler has them, but that months are never due. */
const SETTINGS: CompactorSettings = {
  generation: '1',
  retentionsMs: { counters: undefined, days: undefined, months: undefined },
  intervalsMs: { days: HOUR_MS, months: 1_000 * 365 * DAY_MS },
  settleMs: 300_000,
  patienceMs: 1_800_000,
  concurrency: 64,
  sweepItems: Number.MAX_SAFE_INTEGER,
  portionItems: 10_000,
  lookingMs: 100_000,
  topLists: {
    entriesMax: TOP_ENTRIES_MAX,
    certainMin: TOP_MAX,
    remakeSegmentsMax: 20_000,
    remakeCountersMax: 200_000,
  },
};

/** What something took, seconds. */
interface Taken {
  readonly wallS: number;
  readonly cpuS: number;
}

const hour = busyHour({ entities, shards, segments, eventsEach });

async function timed(work: () => Promise<void>): Promise<Taken> {
  const [cpu, startMs] = [process.cpuUsage(), performance.now()];
  await work();
  const { user, system } = process.cpuUsage(cpu);
  return { wallS: (performance.now() - startMs) / 1000, cpuS: (user + system) / 1e6 };
}

function check(isRight: boolean, what: string): void {
  if (!isRight) throw new Error(`the benchmark counted wrong: ${what}`);
}

/** Looks at all segments, and recomputes nothing. */
function look(sweepItems: number): Promise<Taken> {
  hour.reset();
  return timed(async () => {
    const [sweep, reading] = [new Sweep('days', sweepItems), pLimit(SETTINGS.concurrency)];
    const [settings, report] = [SETTINGS, emptyReport()];
    const pass = {
      level: 'days',
      sweep,
      mayGoOn: () => true,
      reading,
      ports: hour.ports,
      settings,
      report,
    } as const;
    await Promise.all(hour.shards.map((shard) => takeStep(shard, pass)));
    check(report.segments === segments, `${report.segments} segments`);
    check(sweep.bound === Number.POSITIVE_INFINITY || sweepItems < hour.distinct, 'nothing to drop');
    const { length } = sweep.items();
    check(length >= Math.min(sweepItems, hour.distinct), `${length} items`);
  });
}

/** Works the hour off. @returns what it took, and in how many passes */
async function workOff(sweepItems: number): Promise<Taken & { readonly passes: number }> {
  hour.reset();
  let passes = 0;
  const taken = await timed(async () => {
    const report = await compact(hour.ports, { ...SETTINGS, sweepItems }, () => true);
    // The months, which are not due, are looked at once.
    passes = report.passes - 1;
    check(report.complete && report.conflicts === 0 && report.missed === 0, JSON.stringify(report));
    check(report.recomputed === hour.distinct, `${report.recomputed} items of ${hour.distinct}`);
  });
  check(
    hour.memory.calls.get('UpdateItem') === hour.distinct,
    `${hour.memory.calls.get('UpdateItem')} updates`,
  );
  let days = 0;
  for (const item of hour.memory.items.values()) {
    if (!item['sk']?.['S']?.toString().includes('#D#')) continue;
    days += 1;
    check(item['h05']?.['N'] === String(SUM), `an hour of ${String(item['h05']?.['N'])}`);
  }
  check(days === hour.distinct, `${days} days`);
  for (const shard of hour.shards) {
    const { through, pending } = await hour.ports.progress.readCursor(shard, 'days');
    check(through > 0 && pending === undefined, `a cursor at ${through}`);
  }
  return { ...taken, passes };
}

/** Bytes of memory that an item takes in a sweep. */
function bytesHeld(): number {
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('gc') as () => void;
  gc();
  const before = process.memoryUsage().heapUsed;
  const sweep = new Sweep('days', held);
  for (let at = 0; at < held; at += 10_000) {
    const names = Array.from(
      { length: Math.min(10_000, held - at) },
      (_, index) => `/videos/${String(at + index).padStart(12, '0')}`,
    );
    sweep.add(JSON.stringify([[HOUR / HOUR_MS, 'view', names]]), 0);
  }
  const items = sweep.items();
  gc();
  const bytes = process.memoryUsage().heapUsed - before;
  check(items.length === held, `${items.length} items held`);
  check(dayStartMs(HOUR) === items[0]?.name.startMs, 'another day');
  return bytes / held;
}

function median(figures: readonly number[]): number {
  return figures.toSorted((a, b) => a - b)[Math.floor(figures.length / 2)] ?? Number.NaN;
}

/** A median with the least and the most. */
function spread(figures: readonly number[], digits = 0): string {
  const text = (figure: number) =>
    figure.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits });
  return `${text(median(figures))} (${text(Math.min(...figures))}–${text(Math.max(...figures))})`;
}

const [loadAtStart] = loadavg();
const cases = {
  lookAll: [] as Taken[],
  lookTenth: [] as Taken[],
  once: [] as (Taken & { passes: number })[],
  passes: [] as (Taken & { passes: number })[],
};
const tenth = Math.ceil(hour.distinct / 10);
const quarter = Math.ceil(hour.distinct / 4);
for (let round = 0; round <= rounds; round += 1) {
  process.stderr.write(round === 0 ? 'warming up\n' : `round ${round} of ${rounds}\n`);
  const [lookAll, lookTenth] = [await look(Number.MAX_SAFE_INTEGER), await look(tenth)];
  const once = await workOff(Number.MAX_SAFE_INTEGER);
  const passes = await workOff(quarter);
  if (round === 0) continue;
  cases.lookAll.push(lookAll);
  cases.lookTenth.push(lookTenth);
  cases.once.push(once);
  cases.passes.push(passes);
}

const lookRow = (name: string, taken: readonly Taken[]) =>
  `| ${name} | 1 | ${hour.touched.toLocaleString('en')} | ${spread(taken.map(({ wallS }) => hour.touched / wallS))} | ${spread(
    taken.map(({ cpuS }) => (cpuS / hour.touched) * 1e6),
    2,
  )} | — | — | — |`;
const workRow = (name: string, taken: readonly (Taken & { passes: number })[]) => {
  const passes = taken[0]?.passes ?? 0;
  const looking = median(cases.lookAll.map(({ cpuS }) => cpuS)) * passes;
  return `| ${name} | ${passes} | ${(hour.touched * passes).toLocaleString('en')} | — | — | ${hour.distinct.toLocaleString('en')} | ${spread(
    taken.map(({ wallS }) => hour.distinct / wallS),
  )} | ${spread(taken.map(({ cpuS }) => ((cpuS - looking) / hour.distinct) * 1e6))} |`;
};

process.stdout.write(`Method: ${segments} segments of ${eventsEach} events on ${shards} shards, of ${entities} counters by Zipf (exponent 1): ${hour.touched} touched hours of ${hour.distinct}
different counters. The compactor's own code on the real SDK client; in place of sockets stand answers from memory, whose making is part of all figures. Entries and
cursors are in memory without the SDK. Every run was checked: each counter recomputed once, every sum right. ${rounds} interleaved rounds after one to warm up; medians (least–most).
CPU is the process's; that of an item is what is left when looking is taken off. Months are not part of it: they take six calls an item instead of three.
In pages of 50,000 touched hours, one after the other, the same hour would take ${hour.inPages} recomputations, ${(hour.inPages / hour.distinct).toFixed(1)} times as many.
An item held in a sweep of ${held}, sorted: ${bytesHeld().toFixed(0)} bytes.
Node ${process.version}, ${availableParallelism()} cores with a load of ${loadAtStart?.toFixed(1)} before this, ${new Date().toISOString().slice(0, 10)}.

| what | passes | touched hours looked at | a second | CPU µs each | items recomputed | a second | CPU µs each |
| --- | --- | --- | --- | --- | --- | --- | --- |
${lookRow('look, all fit into memory', cases.lookAll)}
${lookRow('look, a tenth fits', cases.lookTenth)}
${workRow('look and recompute, all fit', cases.once)}
${workRow('look and recompute, a quarter fits', cases.passes)}
`);
