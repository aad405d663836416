// A hot entity in virtual time, on the settings that the plan gives: what its partition takes, and what happens when that is not enough.
import { parseArgs } from 'node:util';
import { hotStage } from '../plan/hot-stage.ts';
import { type HotEntityOutcome, runHotEntity } from './hot-entity/run.ts';
import type { HotStage } from './hot-entity/stage.ts';

const USAGE = `npm run simulate:hot -- [--minutes N] [--seed N] [--only 1,2]
  --minutes N   of the mean rate before the peak, of the peak, and of the mean rate after it (3)
  --seed N      changes chances; one seed always gives the same (1)
  --only 1,2    some of the cases`;

/** A case by name: how high the peak is, and whether the writers get batches. */
interface Case {
  readonly name: string;
  readonly peak: number;
  readonly messagesMax?: number;
  readonly windowSeconds?: number;
}

const CASES: readonly Case[] = [
  { name: 'as planned', peak: 1.5 },
  { name: 'a peak of 3 times the mean', peak: 3 },
  { name: 'each message a batch of its own', peak: 1.5, messagesMax: 1 },
  { name: 'a peak of 3, and each message a batch of its own', peak: 3, messagesMax: 1 },
  { name: 'a peak of 3, and no window', peak: 3, windowSeconds: 0 },
];

const seconds = (ms: number) => (ms / 1000).toFixed(0);
const whole = (n: number) => Math.round(n).toLocaleString('en');

function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? NaN;
}

const ROWS: readonly (readonly [name: string, cell: (outcome: HotEntityOutcome) => string])[] = [
  [
    'segments, messages, batches of the writer',
    (o) => [o.segments, o.messages, o.batches].map(whole).join(', '),
  ],
  ['most writers at once', ({ writers }) => whole(writers)],
  ['rows of the hot entity, updates that took them', (o) => `${whole(o.rows)}, ${whole(o.updates)}`],
  ['its largest item, KB', ({ largestBytes }) => (largestBytes / 1024).toFixed(1)],
  [
    "write units/s of the partition's 1,000: busiest second, half minute",
    (o) => [o.busiestSecond, o.busiestHalfMinute].map(whole).join(', '),
  ],
  ['updates refused, each try', ({ throttled }) => whole(throttled)],
  [
    'messages brought back, dead letters, parked',
    (o) => [o.broughtBack, o.deadLetters, o.parked].map(whole).join(', '),
  ],
  [
    'readable after, s: p50, p99, at most',
    ({ freshnessMs }) => [0.5, 0.99, 1].map((share) => seconds(quantile(freshnessMs, share))).join(', '),
  ],
  ['all counted, s after the last event', ({ settledMs }) => seconds(settledMs)],
];

function table(stage: HotStage, tried: readonly (readonly [Case, HotEntityOutcome])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [
    `${stage.shards} shards, buckets of ${stage.bucketMinutes} minutes, a segment every ${stage.secondsApart.toFixed(1)} s and shard with ${whole(stage.hotEvents)} events of the hot entity,`,
    `${stage.messagesPerSegment} messages each, up to ${stage.messagesEach} a batch, windows of ${stage.writerWindowSeconds} s, ${stage.writers} writers; readable after at most ${stage.freshnessSeconds.toFixed(1)} s, says the plan.`,
    'Everything was counted exactly once, and all accounts balance, in every case.',
    '',
    line(['', ...tried.map(([{ name }]) => name)]),
    line(['---', ...tried.map(() => '---')]),
    ...ROWS.map(([name, cell]) => line([name, ...tried.map(([, outcome]) => cell(outcome))])),
  ].join('\n');
}

const options = { minutes: { type: 'string' }, seed: { type: 'string' }, only: { type: 'string' } } as const;
const { values } = parseArgs({ options: { ...options, help: { type: 'boolean' } } });
if (values.help === true) process.stdout.write(`${USAGE}\n`);
else {
  const minutes = Number(values.minutes ?? 3);
  const only = values.only?.split(',').map(Number) ?? CASES.map((_, place) => place + 1);
  const planned = hotStage();
  const tried: [Case, HotEntityOutcome][] = [];
  for (const one of CASES.filter((_, place) => only.includes(place + 1))) {
    process.stderr.write(`${one.name}\n`);
    const most = one.messagesMax === undefined ? {} : { messagesMax: one.messagesMax };
    const stage = { ...planned, writerWindowSeconds: one.windowSeconds ?? planned.writerWindowSeconds };
    const phases = [1, one.peak, 1].map((factor) => ({ minutes, factor }));
    tried.push([one, await runHotEntity({ stage, ...most, phases, seed: Number(values.seed ?? 1) })]);
  }
  process.stdout.write(`${table(planned, tried)}\n`);
}
