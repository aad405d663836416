// Plays the attacks of `npx tally hostile`, and reports which promises held.
import { type HostileOptions, type HostileReport, runHostile } from './run.ts';

/** @returns 0 when all promises held, otherwise 1 */
export async function playHostile(
  options: Omit<HostileOptions, 'seed'> & { seed?: number },
): Promise<number> {
  const { seed = Date.now() % 1_000_000, seconds, crowd } = options;
  console.log(`seed ${seed}: npx tally hostile --seed ${seed} --seconds ${seconds} --crowd ${crowd}`);
  const report = await runHostile({ seed, seconds, crowd });
  print(report);
  return report.broken.length === 0 ? 0 : 1;
}

function print({ requests, statuses, poison, neighbours, memory, broken }: HostileReport): void {
  for (const [kind, count] of [...requests].sort(([a], [b]) => a.localeCompare(b)))
    console.log(`  ${String(count).padStart(6)}  ${kind}`);
  const sent = requests.values().reduce((all, one) => all + one, 0);
  const answers = [...statuses].sort(([a], [b]) => a - b).map(([status, count]) => `${status}: ${count}`);
  console.log(`${sent} hostile requests, answers ${answers.join(', ')}`);
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
