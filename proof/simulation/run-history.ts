// Runs one history from its plan to its verdict.
import { Violation } from '../oracle/violation.ts';
import { carryOut, picked, sendParkedAgain } from './drivers/operator.ts';
import { History } from './history.ts';
import { faultsEndMs } from './plan/faults.ts';
import type { HistoryPlan } from './plan/history-plan.ts';
import { RestChecks } from './rest-checks.ts';
import { allMicrotasks } from './scheduler.ts';

/** The result of a history. */
export interface Verdict {
  readonly violation: Violation | undefined;
  readonly traceHash: string;
  readonly trace: readonly string[];
  readonly steps: number;
  readonly events: number;
  /** How often faults of each kind struck. */
  readonly struck: ReadonlyMap<string, number>;
  /** How often each limit was crossed. */
  readonly crossed: ReadonlyMap<string, number>;
}

/** Maximum steps and time of recovery once faults have ended. */
const RECOVERY_STEPS_MAX = 1_000_000;
const RECOVERY_MS_MAX = 24 * 3_600_000;
const STEPS_MAX = 2_000_000;
const DAY_MS = 24 * 3_600_000;
/** Queries during the run. */
const QUESTIONS = 6;
/** The query, and its number of hours; undefined: the service's default. */
const ASKED: readonly (readonly [by: string, hours: number | undefined])[] = [
  ['minute', 3],
  ['minute', 3],
  ['hour', 3],
  ['hour', 12],
  ['day', 24],
  ['total', 6],
  ['total', undefined],
];
/** Steps between two checks of the accounts. */
const STATUS_EVERY = 120;
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
  const { trace, scheduler, faults, oracle, world } = run.history;
  return {
    violation,
    traceHash: trace.hash,
    trace: trace.lines,
    steps: scheduler.steps,
    events: oracle.arrived.length,
    struck: faults.struck,
    crossed: world.aws.crossings.counts,
  };
}

class Run {
  readonly history: History;
  readonly #checks: RestChecks;
  /** The ledger's change count at the last check of the accounts. */
  #statusAt = -1;

  constructor(history: History) {
    this.history = history;
    this.#checks = new RestChecks(history);
  }

  async run(): Promise<void> {
    const { plan, settings, scheduler, faults, world, schedules } = this.history;
    const { startMs, trafficMs, burstsMs, shortLog, weeks } = settings;
    const restMs = Math.max(faultsEndMs(plan.faults), plan.puts.at(-1)?.atMs ?? 0, startMs + trafficMs);
    for (const put of plan.puts) scheduler.at(put.atMs, () => this.#put(put));
    for (const fault of plan.faults) scheduler.at(fault.atMs, () => carryOut(fault, this.history));
    this.#planQuestions(restMs);
    // Time passes until then, also if nothing happens.
    scheduler.at(restMs, () => {});
    scheduler.at(restMs + 1, () => {});
    schedules.accountSoon();
    schedules.compactSoon();
    if (shortLog) this.#keepSendingHeartbeats(restMs);
    if (burstsMs.length > 1 || weeks) this.#keepAwake(restMs);
    await this.#stepWhile(() => {
      if (scheduler.steps > STEPS_MAX) throw new Error(`more than ${STEPS_MAX} steps before the faults end`);
      return (scheduler.nextMs ?? restMs + 1) <= restMs;
    });
    faults.stop();
    world.retries = SOUND_RETRIES;
    this.#heartbeats();
    const heartbeatMs = scheduler.nowMs();
    await this.#recover();
    await this.#checks.atRest();
    if (sendParkedAgain(this.history) > 0) {
      await this.#recover();
      await this.#checks.atRest();
    }
    await this.#checks.reached(heartbeatMs);
    await this.#checkDayLater();
  }

  /** Draws queries, some of them about the distant past. */
  #planQuestions(restMs: number): void {
    const { random, scheduler, oracle, functions, settings } = this.history;
    const draw = random.fork('questions');
    for (let left = QUESTIONS * settings.burstsMs.length; left > 0; left -= 1) {
      const burstMs = settings.startMs + draw.pick(settings.burstsMs);
      const askedMs = burstMs + draw.between(0, Math.min(restMs - burstMs, 3 * 3_600_000));
      const atMs = draw.chance(0.7) ? askedMs : draw.between(settings.startMs, askedMs);
      const pick = draw.next();
      const [by, hours] = draw.pick(ASKED);
      scheduler.at(askedMs, () => {
        const name = picked(oracle.counters, pick);
        if (name === undefined) return;
        const toMs = atMs - (atMs % 3_600_000) + 3_600_000;
        const range = hours !== undefined && { from: String(toMs - hours * 3_600_000), to: String(toMs) };
        functions.ask(name, { by, ...range });
      });
    }
  }

  /** With a short log, sends heartbeats all the time, so that trimmed stretches are known. */
  #keepSendingHeartbeats(untilMs: number): void {
    this.#heartbeats();
    const nextMs = this.history.scheduler.nowMs() + 60_000;
    if (nextMs < untilMs) this.history.scheduler.at(nextMs, () => this.#keepSendingHeartbeats(untilMs));
  }

  /** The schedules continue when nothing arrives: past periods are compacted, and expire. */
  #keepAwake(untilMs: number, draw = this.history.random.fork('awake')): void {
    const { scheduler, schedules } = this.history;
    this.history.activity += 1;
    schedules.accountSoon();
    schedules.compactSoon();
    const nextMs = scheduler.nowMs() + draw.between(3, 40) * 3_600_000;
    if (nextMs < untilMs) scheduler.at(nextMs, () => this.#keepAwake(untilMs, draw));
  }

  #put({ partitionKey, data, arrivalSkewMs, occurrences }: HistoryPlan['puts'][number]): void {
    const { oracle, scheduler, world, streamMapping, trace, schedules } = this.history;
    oracle.expectRecord(occurrences);
    const arrivalMs = scheduler.nowMs() + arrivalSkewMs;
    const [shard] = world.stream.put(data, partitionKey, undefined, arrivalMs);
    trace.note(`put ${shard.id} ${data.length} bytes`);
    streamMapping.arrived(shard);
    schedules.accountSoon();
    schedules.compactSoon();
  }

  /** One more record for each open shard, like the canary's heartbeats: reveals what an idle shard hides. */
  #heartbeats(): void {
    const { oracle, world, streamMapping } = this.history;
    for (const shard of world.stream.open()) {
      oracle.expectRecord([
        { id: undefined, metric: 'heartbeat', entity: shard.id, atMs: undefined, n: 1, rejected: undefined },
      ]);
      const data = Buffer.from(JSON.stringify({ metric: 'heartbeat', entity: shard.id }));
      world.stream.put(data, 'heartbeat', String(shard.hashFrom));
      streamMapping.arrived(shard);
    }
    streamMapping.wakeAll();
  }

  async #recover(): Promise<void> {
    const { scheduler, schedules, streamMapping, world, functions } = this.history;
    const stepsMax = scheduler.steps + RECOVERY_STEPS_MAX;
    const endMs = scheduler.nowMs() + RECOVERY_MS_MAX;
    const atRest = () =>
      this.history.pending === 0 &&
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
          `all faults have ended, and still ${this.history.pending} pending, stream ${streamMapping.caughtUp ? 'read' : 'not read'}, ` +
            `${world.queue.size} messages, ${world.deadLetters.size} dead letters; last failure: ${functions.lastFailure}`,
        );
      return true;
    });
  }

  /** Takes step after step, and checks the accounts at intervals. */
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

  /** Checks the accounts if the ledger has changed. */
  async #statusIfNew(): Promise<void> {
    const { changes } = this.history.world.ledger;
    if (changes === this.#statusAt) return allMicrotasks();
    this.#statusAt = changes;
    await this.#checks.status();
  }

  /** A day later every level has everything: a day boundary is crossed, and what expires has expired. */
  async #checkDayLater(): Promise<void> {
    const { scheduler } = this.history;
    const laterMs = scheduler.nowMs() + DAY_MS + 3_600_000;
    scheduler.at(laterMs, () => {});
    await this.#stepWhile(() => (scheduler.nextMs ?? Number.POSITIVE_INFINITY) <= laterMs);
    this.#heartbeats();
    await this.#recover();
    await this.#checks.dayLater();
  }
}
