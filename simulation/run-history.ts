// Runs one history from its plan to its verdict.
import { claimCompleteness } from '../lambdas/accountant/claim-completeness.ts';
import { readStatus } from '../lambdas/accountant/read-status.ts';
import { compact } from '../lambdas/compactor/compact.ts';
import { conservationDifference, type PipelineStatus } from '../lambdas/counting/pipeline-status.ts';
import { carryOut, sendParkedAgain } from './drivers/operator.ts';
import { History } from './history.ts';
import { checkAnswers } from './oracle/answers.ts';
import { checkAtRest } from './oracle/final.ts';
import { checkHours } from './oracle/hours.ts';
import { checkLevelsAtRest } from './oracle/levels-at-rest.ts';
import { checkRebuilt } from './oracle/rebuilt.ts';
import { checkTopsAtRest } from './oracle/tops.ts';
import { type PromiseName, Violation } from './oracle/violation.ts';
import { faultsEndMs } from './plan/faults.ts';
import type { HistoryPlan } from './plan/history-plan.ts';
import { allMicrotasks } from './scheduler.ts';
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
}

/** Steps that recovery may take once nothing fails any more, and how long it may take. */
const RECOVERY_STEPS_MAX = 200_000;
const RECOVERY_MS_MAX = 24 * 3_600_000;
const STEPS_MAX = 2_000_000;
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
  const { around, scheduler, faults, oracle } = run.history;
  return {
    violation: violation && { promise: violation.promise, message: violation.message },
    traceHash: around.trace.hash,
    trace: around.trace.lines,
    steps: scheduler.steps,
    events: oracle.arrived.length,
    struck: faults.struck,
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
    scheduler.at(restMs + 1, () => {});
    schedules.accountSoon();
    schedules.compactSoon();
    if (this.history.settings.shortLog) this.#keepBeating(restMs);
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
    const { archiveRaw, counterRetentionMs } = this.history.settings;
    if (archiveRaw) await checkRebuilt(world, scheduler, counterRetentionMs === undefined);
  }

  /** With a short log, heartbeats all the time: what the stream trims is then known to have been there. */
  #keepBeating(untilMs: number): void {
    this.#heartbeats();
    const nextMs = this.history.scheduler.nowMs() + 60_000;
    if (nextMs < untilMs) this.history.scheduler.at(nextMs, () => this.#keepBeating(untilMs));
  }

  #put({ partitionKey, hashKey, data, arrivalSkewMs, occurrences }: HistoryPlan['puts'][number]): void {
    const { oracle, scheduler, world, streamMapping, around, schedules } = this.history;
    oracle.expectRecord(occurrences);
    const shard = world.stream.put(partitionKey, data, scheduler.nowMs() + arrivalSkewMs, hashKey);
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
    if (status.counted > oracle.rollups.eventsApplied)
      throw broken(`only ${oracle.rollups.eventsApplied} were applied`);
    this.#received = status.received;
    this.#counted = status.counted;
    return status;
  }

  /** With everything counted and nothing parked, the claim must have come to the last heartbeat. */
  async #checkReached(beatMs: number): Promise<void> {
    const { world, oracle, scheduler, settings } = this.history;
    const { ledger, log, progress } = world.clients(directNetwork, scheduler);
    const { throughMs: claimMs } = await claimCompleteness(ledger, log, '1', scheduler);
    if (oracle.violation !== undefined) throw oracle.violation;
    if (claimMs < beatMs)
      throw new Violation(
        'completeThrough is true',
        `everything is counted up to ${new Date(beatMs).toISOString()}, and the claim stays at ${new Date(claimMs).toISOString()}`,
      );
    await this.#checkLevels();
    const { days, months } = await progress.readClaims();
    for (const { throughMs } of [days, months])
      if (throughMs < beatMs)
        throw new Violation(
          'levels are right',
          `everything is counted up to ${new Date(beatMs).toISOString()}, and a level is claimed up to ${new Date(throughMs).toISOString()}`,
        );
    // Counter items that may be deleted say less than the levels do.
    if (settings.counterRetentionMs !== undefined) return;
    const { progress: claims, counters, levels } = world.clients(directNetwork, scheduler);
    const ports = { counters, levels, claims, clock: scheduler };
    await checkAnswers(world, ports, settings.compaction.retentionsMs);
  }

  async #checkAtRest(): Promise<void> {
    const { world: found, scheduler: clock } = this.history;
    const { ledger: books, log: stream } = found.clients(directNetwork, clock);
    // Every minute the accountant looks for shards that the stream has dropped.
    await claimCompleteness(books, stream, '1', clock);
    const { world, oracle, settings } = this.history;
    checkAtRest(world, oracle, settings.dedupWindowLeastMs, await this.#status());
    await this.#checkLevels();
  }

  /** One more run of the compactor, in which everything is due; then every level must say what is below it. */
  async #checkLevels(): Promise<void> {
    const { world, oracle, scheduler, settings } = this.history;
    const { ledger, progress, log: stream, counters, levels, tops } = world.clients(directNetwork, scheduler);
    const ports = { ledger, progress, stream, counters, levels, tops, clock: scheduler };
    const atOnce = { intervalsMs: { days: 1, months: 1 }, settleMs: 0, patienceMs: 0, generation: '1' };
    const report = await compact(ports, { ...settings.compaction, ...atOnce }, () => true);
    if (oracle.violation !== undefined) throw oracle.violation;
    // Two days are the grace that every item has; half an hour covers clocks. Counter items go first.
    const keptMs = settings.counterRetentionMs ?? Number.POSITIVE_INFINITY;
    const keptFromMs = scheduler.nowMs() - keptMs - 2 * 86_400_000 + 1_800_000;
    if (report.missed === 0) checkLevelsAtRest(world, oracle, keptFromMs);
    checkTopsAtRest(world, settings.compaction.topLists.certainMin);
  }
}
