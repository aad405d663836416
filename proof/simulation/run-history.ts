// Runs one history from its plan to its verdict.
import { claimCompleteness } from '../../lambdas/accountant/claim-completeness.ts';
import { readStatus } from '../../lambdas/accountant/read-status.ts';
import { compact } from '../../lambdas/compactor/compact.ts';
import { retentionsKept } from '../../lambdas/core/claim.ts';
import { goneAtMs, LEVELS, type Retentions } from '../../lambdas/core/level.ts';
import { conservationDifference, type PipelineStatus } from '../../lambdas/core/pipeline-status.ts';
import type { CountAnswer } from '../../lambdas/query/count-answer.ts';
import type { Findings } from '../../lambdas/recount/ports.ts';
import {
  type AtRest,
  certainOf,
  checkAccounts,
  checkAtRest,
  checkMinutes,
  isExact,
} from '../oracle/final.ts';
import { checkHours } from '../oracle/hours.ts';
import { askedOf, checkGrains, checkTops, coarserOf, minutesOf } from '../oracle/questions.ts';
import { type PromiseName, Violation } from '../oracle/violation.ts';
import { carryOut, sendParkedAgain } from './drivers/operator.ts';
import { damage, nothingSaved, recountAll } from './drivers/recounts.ts';
import { History } from './history.ts';
import { faultsEndMs } from './plan/faults.ts';
import type { HistoryPlan } from './plan/history-plan.ts';
import { allMicrotasks } from './scheduler.ts';
import { TABLES } from './world/names.ts';
import { directNetwork } from './world/network.ts';

/** What came of a history. */
export interface Verdict {
  readonly violation: { readonly promise: PromiseName; readonly message: string } | undefined;
  readonly traceHash: string;
  readonly trace: readonly string[];
  readonly steps: number;
  readonly events: number;
  /** How often faults of each kind struck. */
  readonly struck: ReadonlyMap<string, number>;
  /** How often each limit was crossed. */
  readonly crossed: ReadonlyMap<string, number>;
}

/** Steps that recovery may take once nothing fails any more, and how long it may take. */
const RECOVERY_STEPS_MAX = 200_000;
const RECOVERY_MS_MAX = 24 * 3_600_000;
const STEPS_MAX = 2_000_000;
const DAY_MS = 24 * 3_600_000;
/** Questions that are asked while everything goes on. */
const QUESTIONS = 10;
/** What is asked, and how many hours it is about; undefined: what the service makes of it. */
const ASKED: readonly (readonly [by: string, hours: number | undefined])[] = [
  ['minute', 3],
  ['minute', 3],
  ['hour', 3],
  ['hour', 12],
  ['day', 24],
  ['total', 6],
  ['total', undefined],
];
/** Steps between two looks at the accounts. */
const STATUS_EVERY = 60;
const SOUND_RETRIES = '{"attempts":3,"backoffBaseSeconds":1,"redriveDelaySeconds":1}';

/** Runs a history. @param keepLines whether the trace is wanted as text */
export async function runHistory(plan: HistoryPlan, keepLines = false): Promise<Verdict> {
  const run = new Run(new History(plan, keepLines));
  let violation: Violation | undefined;
  try {
    await run.run();
  } catch (error) {
    if (!(error instanceof Violation)) throw new Error(`seed ${plan.seed}`, { cause: error });
    violation = error;
  }
  const { around, scheduler, faults, oracle, world } = run.history;
  return {
    violation: violation && { promise: violation.promise, message: violation.message },
    traceHash: around.trace.hash,
    trace: around.trace.lines,
    steps: scheduler.steps,
    events: oracle.arrived.length,
    struck: faults.struck,
    crossed: world.aws.crossings.counts,
  };
}

class Run {
  readonly history: History;
  #received = 0;
  #counted = 0;
  /** The ledger's changes when the accounts were looked at last. */
  #statusAt = -1;

  constructor(history: History) {
    this.history = history;
  }

  async run(): Promise<void> {
    const { plan, scheduler, faults, world, schedules } = this.history;
    const restMs = Math.max(
      faultsEndMs(plan.faults),
      plan.puts.at(-1)?.atMs ?? 0,
      this.history.settings.startMs + this.history.settings.trafficMs,
    );
    for (const put of plan.puts) scheduler.at(put.atMs, () => this.#put(put));
    for (const fault of plan.faults) scheduler.at(fault.atMs, () => carryOut(fault, this.history));
    this.#planQuestions(restMs);
    scheduler.at(restMs + 1, () => {});
    schedules.accountSoon();
    schedules.compactSoon();
    if (this.history.settings.shortLog) this.#keepBeating(restMs);
    if (this.history.settings.burstsMs.length > 1 || this.history.settings.weeks) this.#keepAwake(restMs);
    await this.#stepWhile(() => {
      if (scheduler.steps > STEPS_MAX) throw new Error(`more than ${STEPS_MAX} steps before the faults end`);
      return (scheduler.nextMs ?? restMs + 1) <= restMs;
    });
    faults.stop();
    world.retries = SOUND_RETRIES;
    this.#heartbeats();
    const beatMs = scheduler.nowMs();
    await this.#recover();
    await this.#checkAtRest();
    if (sendParkedAgain(this.history) > 0) {
      await this.#recover();
      await this.#checkAtRest();
    }
    await this.#checkReached(beatMs);
    await this.#checkDayLater();
  }

  /** Draws when somebody asks for what, at times of long ago, too. */
  #planQuestions(restMs: number): void {
    const { random, scheduler, oracle, functions, settings } = this.history;
    const draw = random.fork('questions');
    for (let left = QUESTIONS * settings.burstsMs.length; left > 0; left -= 1) {
      const burstMs = settings.startMs + draw.pick(settings.burstsMs);
      const askedMs = burstMs + draw.between(0, Math.min(restMs - burstMs, 3 * 3_600_000));
      const atMs = draw.chance(0.7)
        ? askedMs
        : settings.startMs + draw.between(0, askedMs - settings.startMs);
      const pick = draw.next();
      const [by, hours] = draw.pick(ASKED);
      scheduler.at(askedMs, () => {
        const { counters } = oracle;
        const name = counters[Math.floor(pick * counters.length)];
        if (name === undefined) return;
        const toMs = atMs - (atMs % 3_600_000) + 3_600_000;
        const range = hours !== undefined && { from: String(toMs - hours * 3_600_000), to: String(toMs) };
        functions.ask(name, { by, ...range });
      });
    }
  }

  /** With a short log, heartbeats all the time: what the stream trims is then known to have been there. */
  #keepBeating(untilMs: number): void {
    this.#heartbeats();
    const nextMs = this.history.scheduler.nowMs() + 60_000;
    if (nextMs < untilMs) this.history.scheduler.at(nextMs, () => this.#keepBeating(untilMs));
  }

  /** The schedules go on where nothing arrives: what passes there is compacted, and expires. */
  #keepAwake(untilMs: number): void {
    const { scheduler, schedules, around } = this.history;
    around.activity += 1;
    schedules.accountSoon();
    schedules.compactSoon();
    const nextMs = scheduler.nowMs() + 6 * 3_600_000;
    if (nextMs < untilMs) scheduler.at(nextMs, () => this.#keepAwake(untilMs));
  }

  #put({ partitionKey, data, arrivalSkewMs, occurrences }: HistoryPlan['puts'][number]): void {
    const { oracle, scheduler, world, streamMapping, around, schedules } = this.history;
    oracle.expectRecord(occurrences);
    const shard = world.stream.put(partitionKey, data, scheduler.nowMs() + arrivalSkewMs);
    around.trace.note(scheduler.nowMs(), `put ${shard.id} ${data.length} bytes`);
    streamMapping.arrived(shard);
    schedules.accountSoon();
    schedules.compactSoon();
  }

  /** One more record for each open shard, as the canary's heartbeats are: whatever hides behind silence comes out. */
  #heartbeats(): void {
    const { oracle, world, streamMapping } = this.history;
    for (const shard of world.stream.open()) {
      oracle.expectRecord([
        { id: undefined, metric: 'heartbeat', entity: shard.id, atMs: undefined, n: 1, rejected: undefined },
      ]);
      const data = Buffer.from(JSON.stringify({ metric: 'heartbeat', entity: shard.id }));
      streamMapping.arrived(world.stream.putInto(shard, data));
    }
    streamMapping.wakeAll();
  }

  async #recover(): Promise<void> {
    const { scheduler, schedules, around, streamMapping, world, functions } = this.history;
    const stepsMax = scheduler.steps + RECOVERY_STEPS_MAX;
    const endMs = scheduler.nowMs() + RECOVERY_MS_MAX;
    const atRest = () =>
      around.pending === 0 &&
      streamMapping.caughtUp &&
      world.queue.size === 0 &&
      world.deadLetters.size === 0;
    schedules.accountSoon();
    schedules.compactSoon();
    await this.#stepWhile(() => {
      if (atRest()) return false;
      if (scheduler.nextMs === undefined || scheduler.steps > stepsMax || scheduler.nowMs() > endMs)
        throw new Violation(
          'recovery ends',
          `nothing fails any more, and still ${around.pending} pending, stream ${streamMapping.caughtUp ? 'read' : 'not read'}, ` +
            `${world.queue.size} messages, ${world.deadLetters.size} dead letters; last failure: ${functions.lastFailure}`,
        );
      return true;
    });
  }

  /** Lets one thing happen after the other, and looks at the accounts every so often. */
  async #stepWhile(goesOn: () => boolean): Promise<void> {
    const { scheduler, oracle } = this.history;
    while (goesOn()) {
      scheduler.step();
      const settled = scheduler.settled();
      if (settled !== undefined) await settled;
      if (oracle.violation === undefined && scheduler.steps % STATUS_EVERY === 0) await this.#statusIfNew();
      if (oracle.violation !== undefined) throw oracle.violation;
    }
  }

  /** Looks at the accounts, unless the ledger is as it was: then they say the same as before. */
  async #statusIfNew(): Promise<void> {
    const { changes } = this.history.world.ledger;
    if (changes === this.#statusAt) return allMicrotasks();
    this.#statusAt = changes;
    await this.#status();
  }

  /** The accounts at this very moment, nothing else going on. */
  async #status(): Promise<PipelineStatus> {
    const { world, scheduler, oracle } = this.history;
    const status = await readStatus(world.clients(directNetwork, scheduler).ledger);
    const difference = conservationDifference(status);
    const broken = (message: string) =>
      new Violation(
        'accounts balance at every moment',
        `${message}: ${JSON.stringify({ ...status, hours: [], shards: [] })}`,
      );
    checkHours(world, status);
    if (difference !== 0) throw broken(`off by ${difference}`);
    for (const place of [
      'duplicate',
      'rejected',
      'counted',
      'inFlight',
      'dead',
      'parked',
      'expired',
      'lost',
    ] as const)
      if (status[place] < 0) throw broken(`${place} is negative`);
    if (status.received < this.#received) throw broken(`received fell from ${this.#received}`);
    if (status.received > oracle.arrived.length) throw broken(`only ${oracle.arrived.length} have arrived`);
    if (status.counted < this.#counted) throw broken(`counted fell from ${this.#counted}`);
    if (status.counted > oracle.rollups.eventsStored)
      throw broken(`only ${oracle.rollups.eventsStored} are stored`);
    this.#received = status.received;
    this.#counted = status.counted;
    return status;
  }

  /** With everything counted and nothing parked, the claim must have come to the last heartbeat. */
  async #checkReached(beatMs: number): Promise<void> {
    const { oracle } = this.history;
    const claimMs = await this.#claim();
    if (oracle.violation !== undefined) throw oracle.violation;
    if (claimMs < beatMs)
      throw new Violation(
        'completeThrough is true',
        `everything is counted up to ${new Date(beatMs).toISOString()}, and the claim stays at ${new Date(claimMs).toISOString()}`,
      );
  }

  async #checkAtRest(): Promise<void> {
    const { world, oracle, settings, scheduler } = this.history;
    // Every minute the accountant looks for shards that the stream has dropped.
    await this.#claim();
    const atRest = checkAccounts(world, oracle, settings.dedupWindowLeastMs, await this.#status());
    // What is not compacted yet is read from deltas, and afterwards the same from blocks.
    const draw = this.history.random.fork(`rest-${scheduler.steps}`);
    if (draw.chance(0.4)) await this.#checkCounts(atRest);
    if (!draw.chance(0.4)) return;
    await this.#compactAll();
    await this.#checkCounts(atRest);
    await this.#checkRecount(atRest);
  }

  async #claim(): Promise<number> {
    const { world, scheduler, functions } = this.history;
    const { ledger, log } = world.clients(directNetwork, scheduler);
    const { generation, retentions } = functions.deployment;
    return (await claimCompleteness(ledger, log, generation, scheduler, retentions)).throughMs;
  }

  /** How long each level is kept, by what was ever in force. */
  async #kept(): Promise<Retentions> {
    const { world, scheduler, functions } = this.history;
    const claim = await world.clients(directNetwork, scheduler).ledger.readClaim();
    return retentionsKept(claim, functions.deployment.retentions);
  }

  /** A recount finds nothing; what is then damaged it finds, where it is and nowhere else, and mends it. */
  async #checkRecount(atRest: AtRest): Promise<void> {
    const { world, scheduler, functions, faults } = this.history;
    const recount = (isRepair: boolean) =>
      recountAll(this.history, directNetwork, scheduler, functions.deployment, nothingSaved(), isRepair);
    const broken = (what: string, found: Findings) =>
      new Violation(
        'a recount finds what is wrong, and nothing else',
        `${what}: ${found.differing} differ, ${found.repaired} repaired, ${JSON.stringify(found.differences[0])}`,
      );
    const before = await recount(false);
    if (before.differing > 0 || before.twice.length > 0) throw broken('nothing is wrong', before);
    if (before.unknown.some(({ toMs }) => toMs > 0) || before.stuck !== undefined) return;
    const damaged = await damage(this.history, directNetwork, await this.#kept());
    if (damaged === undefined) return;
    faults.count(`damage of ${damaged.level}`);
    const found = await recount(false);
    const { level, entity } = damaged;
    if (found.differing === 0 || found.differences.some((one) => one.in !== level || one.entity !== entity))
      throw broken(`a row of ${entity} in the ${level} is damaged`, found);
    const repaired = await recount(true);
    if (repaired.repaired !== found.differing) throw broken('it is to be repaired', repaired);
    const after = await recount(false);
    if (after.differing > 0) throw broken(`the ${level} are repaired`, after);
    await this.#checkCounts(atRest);
    checkAccounts(world, this.history.oracle, this.history.settings.dedupWindowLeastMs, await this.#status());
  }

  /** A day later every level has everything: a day boundary is crossed, whatever expires has expired. */
  async #checkDayLater(): Promise<void> {
    const { world, oracle, settings, scheduler } = this.history;
    const laterMs = scheduler.nowMs() + DAY_MS + 3_600_000;
    scheduler.at(laterMs, () => {});
    await this.#stepWhile(() => (scheduler.nextMs ?? Number.POSITIVE_INFINITY) <= laterMs);
    this.#heartbeats();
    await this.#recover();
    await this.#compactAll();
    const state = await world.clients(directNetwork, scheduler).state.readState();
    for (const level of LEVELS) {
      if (state[level].plan !== undefined || (state[level].epoch === 0 && state.hours.epoch > 0))
        throw new Violation(
          'levels are right',
          `a day later the ${level} lag: ${JSON.stringify(state[level])}`,
        );
    }
    const atRest = checkAccounts(world, oracle, settings.dedupWindowLeastMs, await this.#status());
    await this.#checkCounts(atRest);
    await this.#checkRecount(atRest);
    this.#noteReached();
  }

  /** What TTL would delete is deleted; and what this history has seen that not every one does. */
  #noteReached(): void {
    const { world, oracle, settings } = this.history;
    const { crossings, dynamoDb } = world.aws;
    for (const table of Object.values(TABLES)) for (const _ of dynamoDb.table(table).items());
    const sent = oracle.arrived.filter(({ occurrence }) => occurrence.metric !== 'heartbeat');
    const days = new Set(sent.map(({ arrivalMs }) => new Date(arrivalMs).toISOString().slice(0, 10)));
    if (days.size > 1) crossings.note('end of a day');
    if (new Set([...days].map((day) => day.slice(0, 7))).size > 1) crossings.note('end of a month');
    if (settings.weeks || settings.burstsMs.length > 1) crossings.note('weeks');
    if (oracle.finals.count > 0) crossings.note('final answer');
    if (oracle.recounts > 0) crossings.note('recount beside everything else');
    if (oracle.counters.length >= 10_000) crossings.note('ten thousand entities');
    const { dedupWindowLeastMs } = settings;
    for (const shard of world.ledger.keys()) {
      const ends = [...world.ledger.of(shard).entries.values()].map(({ runMaxMs }) => runMaxMs);
      if (ends.some((endMs, index) => endMs - (ends[index - 300] ?? 0) < dedupWindowLeastMs))
        crossings.note('window of 300 segments');
    }
  }

  /** One more run of the compactor, in which the hours are due. */
  async #compactAll(): Promise<void> {
    const { world, oracle, scheduler, settings, functions } = this.history;
    const { ledger, log: stream, state, store } = world.clients(directNetwork, scheduler);
    const { deployment } = functions;
    const atOnce = { ...settings.compaction, ...deployment, ...deployment.rollup, cadence: { hoursMs: 0 } };
    await compact({ ledger, stream, state, store, clock: scheduler }, atOnce, () => true);
    if (oracle.violation !== undefined) throw oracle.violation;
  }

  /** Whether the blocks of the hours have every segment. */
  async #isCompacted(): Promise<boolean> {
    const { world, scheduler } = this.history;
    const { hours } = await world.clients(directNetwork, scheduler).state.readState();
    const { through, open } = hours.covers;
    return (
      open.length === 0 &&
      world.ledger
        .keys()
        .every((shard) => (through[shard] ?? 0) === (world.ledger.of(shard).head?.segment ?? 0))
    );
  }

  /** Asks for everything, and compares it with what happened. */
  async #checkCounts(atRest: AtRest): Promise<void> {
    const { world, scheduler, functions, oracle } = this.history;
    const { ledger: claims, state, store } = world.clients(directNetwork, scheduler);
    const heard = (answer: CountAnswer) => oracle.answered(answer);
    const ports = { claims, state, counts: store, tops: store, hints: new Map(), clock: scheduler, heard };
    const { rollup, retentions } = functions.deployment;
    const query = { acceptPastMs: undefined, acceptFutureMs: rollup.acceptFutureMs, retentions };
    const { counters } = atRest.expected;
    const asked = askedOf(counters);
    if (asked.names.length === 0) return;
    const isCompacted = await this.#isCompacted();
    // A row that was on its way shows until it is compacted.
    if (!isCompacted && oracle.deletions.size > 0) return;
    const firstHour = { level: 'hours', startMs: asked.firstMs - (asked.firstMs % 3_600_000) } as const;
    if (goneAtMs(firstHour, await this.#kept()) <= scheduler.nowMs()) {
      for (const [name, answer] of await coarserOf(asked, ports, query)) checkAtRest(atRest, name, answer);
      return;
    }
    const minutes = await minutesOf(asked, ports, query);
    checkMinutes(atRest, asked.names, minutes);
    await checkGrains(asked, minutes, ports, query);
    // Lists are as of an epoch: what is parked may hold the epochs up.
    if (isCompacted && asked.names.length === counters.size) await checkTops(minutes, ports, query);
    else if (isCompacted && isExact(atRest)) await checkTops(certainOf(atRest), ports, query);
  }
}
