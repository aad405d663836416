// `npx tally hostile`: attacks a local stack of its own in every way it knows, and reports which promises held.
import { parseArgs } from 'node:util';
import { type HostileReport, runHostile } from './run.ts';

const USAGE = `npx tally hostile [--seconds 60] [--seed N] [--crowd 500]

Starts a local stack in a process of its own and attacks it: fuzzed bodies, headers, paths and methods, wrong framing and encodings, slow,
half closed and broken connections, a crowd of silent ones, malformed records on the stream and messages on the queue. All the while
well-behaved clients send events.
Promised: no answer is a 5xx, each is JSON with a message and the length it says, nothing crashes, memory does not grow, and every event of
the neighbours is counted exactly once.
  --seconds   how long to attack at random after each kind was sent once
  --seed      plays that run's attacks again
  --crowd     idle connections
Exit code 0: all promises held. 1: some did not, each with what broke it. 2: wrong usage.`;

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      seconds: { type: 'string', default: '60' },
      seed: { type: 'string', default: String(Date.now() % 1_000_000) },
      crowd: { type: 'string', default: '500' },
      help: { type: 'boolean', default: false },
    },
  });
  const [seed, seconds, crowd] = [values.seed, values.seconds, values.crowd].map(Number);
  if (values.help || ![seed, seconds, crowd].every((one) => Number.isSafeInteger(one))) {
    console.log(USAGE);
    return values.help ? 0 : 2;
  }
  console.log(`seed ${seed}: npx tally hostile --seed ${seed} --seconds ${seconds} --crowd ${crowd}`);
  const report = await runHostile({ seed: Number(seed), seconds: Number(seconds), crowd: Number(crowd) });
  print(report);
  return report.broken.length === 0 ? 0 : 1;
}

function print({ requests, statuses, poison, neighbours, memory, broken }: HostileReport): void {
  const sum = (counts: ReadonlyMap<unknown, number>) =>
    [...counts.values()].reduce((all, one) => all + one, 0);
  for (const [kind, count] of [...requests].sort(([a], [b]) => a.localeCompare(b)))
    console.log(`  ${String(count).padStart(6)}  ${kind}`);
  const answers = [...statuses].sort(([a], [b]) => a - b).map(([status, count]) => `${status}: ${count}`);
  console.log(`${sum(requests)} hostile requests, answers ${answers.join(', ')}`);
  console.log(`${poison.records} records past the front door, ${poison.messages} messages onto the queue`);
  console.log(
    `neighbours: ${neighbours.sent} events sent, ${neighbours.counted} counted, slowest answer ${neighbours.slowestMs} ms`,
  );
  const mb = (bytes: number) => `${(bytes / 1024 / 1024).toFixed(1)} MB`;
  console.log(
    `memory: heap ${mb(memory.heapGrowthBytes)} more than at the start, whole process ${mb(memory.rssGrowthBytes)}`,
  );
  for (const one of broken) console.log(`BROKEN  ${one}`);
  console.log(broken.length === 0 ? 'All promises held.' : `${broken.length} promises broken.`);
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 2;
}
