// The hostile run: every attack once, then random ones until time is up, with neighbours working all the while.
import { setTimeout as pause } from 'node:timers/promises';
import pLimit from 'p-limit';
import { Random } from '../simulation/random.ts';
import { brokenOff, halfClosed, silentCrowd, slowRequest } from './connections.ts';
import { brokenPromises, type Exchange, exchange } from './exchange.ts';
import { startNeighbours, waitForCount } from './neighbours.ts';
import { BATCHED, createPoisoner } from './poison.ts';
import { everyRequest, type HostileRequest, hostileRequest } from './requests.ts';
import { startVictim } from './victim.ts';

/** Options of a run. */
interface HostileOptions {
  readonly seed: number;
  /** How long to send random attacks, after each was sent once. */
  readonly seconds: number;
  /** Connections that stay open and send nothing. */
  readonly crowd: number;
}

/** What a run did, and which promises were broken, each with its cause. */
type HostileReport = Awaited<ReturnType<typeof runHostile>>;

/** The first pass is the same in every run. */
const FIXED_SEED = '1';
/** Time between two rounds of poison: the emulators keep all of it in memory. */
const POISON_PAUSE_MS = 3_000;
/** Attacks at once. */
const ATTACKERS = 6;
/**
 * How much memory of the API's process may grow after the first pass. Nothing that a client sends is kept, so what
 * grows is compiled code and the like. Runs end with less than they began with; one that kept every body it read ended with 12 MB more.
 */
const HEAP_GROWTH_MAX_BYTES = 8 * 1024 * 1024;
/**
 * All of the stack's threads together. The emulators keep what was stored, and each function's container may grow to its memory setting before
 * it collects: a coarse bound, against what grows without one.
 */
const RSS_GROWTH_MAX_BYTES = 2 * 1024 * 1024 * 1024;

/** Plays the attacks of `npx tally hostile`, and reports which promises held. @returns 0 when all promises held, otherwise 1 */
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

/** Attacks a local stack that it starts and stops. */
export async function runHostile({ seed, seconds, crowd }: HostileOptions) {
  const random = new Random(String(seed));
  const broken = new Set<string>();
  const requests = new Map<string, number>();
  const statuses = new Map<number, number>();
  const victim = await startVictim();
  const { port } = victim.places;
  const poisoner = createPoisoner(victim.places, random);

  const late: HostileRequest[] = [];
  const judge = (request: HostileRequest, came: Exchange, again = false) => {
    requests.set(request.kind, (requests.get(request.kind) ?? 0) + 1);
    for (const { status } of came.answers) statuses.set(status, (statuses.get(status) ?? 0) + 1);
    if (!again && isLate(came)) {
      late.push(request);
      return;
    }
    const start = request.bytes.toString('latin1', 0, 160).replaceAll(/[^ -~]/g, '.');
    for (const promise of brokenPromises(request, came)) broken.add(`${request.kind}: ${promise} | ${start}`);
  };
  const attack = async (request: HostileRequest, again = false) => {
    // Closing the writing side ends half a request; otherwise the server would wait for the rest.
    judge(request, await exchange(port, request, { halfClose: request.mayBeUnanswered }), again);
  };
  const connectionAttack = async () => {
    if (random.chance(0.4)) return brokenOff(port, random);
    const { request, exchange: came } = await (random.chance(0.5) ? slowRequest : halfClosed)(port, random);
    judge(request, came);
  };

  try {
    const finish = startNeighbours(victim.url, `neighbour-${seed}`);
    const disperse = await silentCrowd(port, crowd);
    await pLimit(ATTACKERS).map(everyRequest(new Random(FIXED_SEED)), (request) => attack(request));
    await poisoner.everything();
    const before = await victim.memory();

    const until = performance.now() + seconds * 1000;
    const going = () => performance.now() < until && victim.isAlive();
    const repeat = async (work: () => Promise<void>) => {
      while (going()) await work();
    };
    await Promise.all([
      ...Array.from({ length: ATTACKERS }, () => repeat(() => attack(hostileRequest(random)))),
      repeat(connectionAttack),
      repeat(async () => {
        await poisoner.round();
        await pause(POISON_PAUSE_MS);
      }),
    ]);
    disperse();
    const neighbours = await finish();
    for (const request of late) await attack(request, true);
    const { batchedEvents } = poisoner.report;
    const batched = await waitForCount(victim.url, BATCHED.entity, batchedEvents, BATCHED.metric);
    if (batched !== batchedEvents) broken.add(`batches among poison: ${batched} counted of ${batchedEvents}`);
    const after = await victim.memory();
    const memory = {
      heapGrowthBytes: after.heapBytes - before.heapBytes,
      rssGrowthBytes: after.rssBytes - before.rssBytes,
    };
    if (memory.heapGrowthBytes > HEAP_GROWTH_MAX_BYTES)
      broken.add(`the heap grew by ${memory.heapGrowthBytes} bytes`);
    if (memory.rssGrowthBytes > RSS_GROWTH_MAX_BYTES)
      broken.add(`the process grew by ${memory.rssGrowthBytes} bytes`);
    if (neighbours.counted !== neighbours.sent)
      broken.add(`neighbours: ${neighbours.counted} counted of ${neighbours.sent}`);
    for (const one of neighbours.broken) broken.add(one);
    for (const problem of victim.problems) broken.add(`the stack said: ${problem}`);
    if (!victim.isAlive()) broken.add('the stack has ended');
    return { requests, statuses, poison: poisoner.report, neighbours, memory, broken: [...broken] };
  } finally {
    await victim.stop();
  }
}

/**
 * Whether something timed out. The machine may be overloaded, so the request is sent again when nothing else runs: what a
 * request itself holds up, it holds up again.
 */
function isLate({ timedOut, answers }: Exchange): boolean {
  return timedOut || answers.some(({ status }) => status === 502 || status === 504);
}
