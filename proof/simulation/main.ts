// The simulation's command line: one seed, a number of runs, or as many as fit into some minutes.
import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import { runCampaign } from './campaign/campaign.ts';
import { neverReached } from './campaign/crossings.ts';
import {
  describePlan,
  describeRecords,
  describeTally,
  describeVerdict,
  replayCommand,
} from './campaign/report.ts';
import { shrink } from './campaign/shrink.ts';
import { NOTHING_OMITTED, planHistory } from './plan/history-plan.ts';
import { runHistory } from './run-history.ts';

const USAGE = `node proof/simulation/main.ts --seed N [--trace] [--shrink] [--without-faults 1,2] [--without-records 3,4]
node proof/simulation/main.ts --runs M [--from SEED] [--workers K] [--failures K]
node proof/simulation/main.ts --minutes T [--from SEED] [--workers K] [--failures K]`;

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    runs: { type: 'string' },
    minutes: { type: 'string' },
    from: { type: 'string' },
    workers: { type: 'string' },
    failures: { type: 'string' },
    trace: { type: 'boolean' },
    shrink: { type: 'boolean' },
    'without-faults': { type: 'string' },
    'without-records': { type: 'string' },
  },
});

const say = (text: string) => process.stdout.write(`${text}\n`);
Error.stackTraceLimit = 10;

if (values.seed !== undefined) process.exitCode = await runOne(Number(values.seed));
else if (values.runs !== undefined || values.minutes !== undefined) process.exitCode = await runMany();
else {
  say(USAGE);
  process.exitCode = 2;
}

function places(list: string | undefined): ReadonlySet<number> {
  return new Set(list === undefined ? [] : list.split(',').map(Number));
}

async function runOne(seed: number): Promise<number> {
  const omitted = { faults: places(values['without-faults']), puts: places(values['without-records']) };
  const plan = planHistory(seed, omitted);
  say(describePlan(plan));
  const verdict = await runHistory(plan, values.trace ?? false);
  if (values.trace) say([describeRecords(plan), ...verdict.trace].join('\n'));
  say(describeVerdict(verdict));
  if (verdict.violation === undefined) return 0;
  if (values.shrink) await sayShortest(seed);
  return 1;
}

async function runMany(): Promise<number> {
  const from = values.from === undefined ? randomInt(1, 1_000_000_000) : Number(values.from);
  const startMs = performance.now();
  const seconds = () => (performance.now() - startMs) / 1000;
  let saidAt = 0;
  let broken = 0;
  say(`seeds from ${from}`);
  const tally = await runCampaign({
    from,
    runs: values.runs === undefined ? Number.POSITIVE_INFINITY : Number(values.runs),
    lengthMs: values.minutes === undefined ? Number.POSITIVE_INFINITY : Number(values.minutes) * 60_000,
    failuresMax: Number(values.failures ?? 1),
    ...(values.workers !== undefined && { workers: Number(values.workers) }),
    onProgress: ({ histories, failures }) => {
      for (const { seed, promise, message } of failures.slice(broken))
        say(`seed ${seed} BROKEN: ${promise ?? 'the simulation'}: ${message}`);
      broken = failures.length;
      if (seconds() - saidAt < 30) return;
      saidAt = seconds();
      say(`${histories} histories, ${failures.length} failures, ${saidAt.toFixed(0)} s`);
    },
  });
  say(describeTally(tally, seconds()));
  const missed = neverReached(tally);
  if (missed.length > 0) say(`FAILED: never reached: ${missed.join(', ')}`);
  const [first] = tally.failures;
  if (first === undefined) return missed.length === 0 ? 0 : 1;
  say(describePlan(planHistory(first.seed)));
  say(`replay: ${replayCommand(first.seed, NOTHING_OMITTED)}`);
  await sayShortest(first.seed);
  return 1;
}

/** Shrinks a failing history and prints the result. */
async function sayShortest(seed: number): Promise<void> {
  const { violation } = await runHistory(planHistory(seed));
  if (violation === undefined) return;
  const { omitted, tried } = await shrink(seed, violation);
  const plan = planHistory(seed, omitted);
  say(`\nthe shortest history found in ${tried} tries:`);
  say(describePlan(plan));
  say(describeRecords(plan));
  say(describeVerdict(await runHistory(plan)));
  say(`replay: ${replayCommand(seed, omitted)}`);
}
