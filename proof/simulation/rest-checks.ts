// Checks at rest: accounts, counts in every grain, recounts, and what a history has reached.
import { readStatus } from '../../lambdas/accountant/read-status.ts';
import { compact } from '../../lambdas/compactor/compact.ts';
import type { ShardKey } from '../../lambdas/core/identifiers.ts';
import { goneAtMs, LEVELS, type Retentions } from '../../lambdas/core/level.ts';
import type { PipelineStatus } from '../../lambdas/core/pipeline-status.ts';
import { retentionsKept } from '../../lambdas/core/watermark.ts';
import type { CountAnswer } from '../../lambdas/query/count-answer.ts';
import type { Findings } from '../../lambdas/recount/ports.ts';
import { checkAnswer } from '../oracle/answers.ts';
import {
  type AtRest,
  boundsAtRest,
  checkAccounts,
  checkMinutes,
  exactMinutes,
  unbalanced,
} from '../oracle/final.ts';
import { checkHours, PLACES } from '../oracle/hours.ts';
import { askedOf, checkGrains, checkTops, coarserOf, minutesOf } from '../oracle/questions.ts';
import { iso, Violation } from '../oracle/violation.ts';
import { damage, nothingSaved, recountAll } from './drivers/recounts.ts';
import type { History } from './history.ts';
import { TABLES } from './world/names.ts';
import { directNetwork } from './world/network.ts';
import type { Clients } from './world/world.ts';

/** The share of histories that are damaged and repaired. */
const REPAIRS = 0.2;

/** Inspects a history from outside, without faults or delays. */
export class RestChecks {
  readonly #history: History;
  #received = 0;
  #counted = 0;

  constructor(history: History) {
    this.#history = history;
  }

  get #clients(): Clients {
    const { world, scheduler } = this.#history;
    return world.clients(directNetwork, scheduler);
  }

  /** Checks the accounts at this moment. */
  async status(): Promise<PipelineStatus> {
    const { world, oracle } = this.#history;
    const status = await readStatus(this.#clients.ledger);
    const broken = (message: string) => unbalanced(message, status);
    checkHours(world, status);
    for (const place of PLACES) if (status[place] < 0) throw broken(`${place} is negative`);
    if (status.received < this.#received) throw broken(`received fell from ${this.#received}`);
    if (status.received > oracle.arrived.length) throw broken(`only ${oracle.arrived.length} have arrived`);
    if (status.counted < this.#counted) throw broken(`counted fell from ${this.#counted}`);
    if (status.counted > oracle.rollups.eventsStored)
      throw broken(`only ${oracle.rollups.eventsStored} are stored`);
    this.#received = status.received;
    this.#counted = status.counted;
    return status;
  }

  /** With everything counted and nothing parked, the watermark must have reached the last heartbeat. */
  async reached(heartbeatMs: number): Promise<void> {
    const { oracle } = this.#history;
    let watermarkMs = await this.#watermark();
    if (watermarkMs < heartbeatMs) {
      // Compaction gives up what is missing of a lost segment.
      await this.#compactAll();
      watermarkMs = await this.#watermark();
    }
    if (oracle.violation !== undefined) throw oracle.violation;
    if (watermarkMs < heartbeatMs)
      throw new Violation(
        'completeThrough is true',
        `everything is counted up to ${iso(heartbeatMs)}, and the watermark stays at ${iso(watermarkMs)}`,
      );
  }

  /** All checks at rest. */
  async atRest(): Promise<void> {
    // The accountant looks every minute for shards that the stream has dropped.
    await this.#watermark();
    const atRest = await this.#accounts();
    // Read first from deltas, and after compaction the same from blocks.
    const { random, scheduler } = this.#history;
    const draw = random.fork(`rest-${scheduler.steps}`);
    if (draw.chance(0.4)) await this.#checkCounts(atRest);
    if (!draw.chance(0.3)) return;
    await this.#compactAll();
    await this.#checkCounts(atRest);
    await this.#findNothing();
  }

  #watermark(): Promise<number> {
    return this.#history.functions.watermark(this.#clients);
  }

  /** How long each level is kept, by all settings so far. */
  async #kept(): Promise<Retentions> {
    const watermark = await this.#clients.ledger.readWatermark();
    return retentionsKept(watermark, this.#history.functions.deployment.retentions);
  }

  #recount(isRepair: boolean): Promise<Findings> {
    const { settings, functions } = this.#history;
    return recountAll(settings, this.#clients, functions.deployment.retentions, nothingSaved(), isRepair);
  }

  /** A recount finds nothing, but for late deltas with rows of a deleted entity. @returns what it found */
  async #findNothing(): Promise<Findings> {
    const { deletions } = this.#history.oracle;
    const before = await this.#recount(false);
    const late = before.differences.filter((one) => one.in === 'delta' && deletions.has(one.entity));
    if (before.differing > late.length || before.twice.length > 0)
      throw foundWrong('nothing is wrong', before);
    return before;
  }

  /** A recount finds nothing; after damage it finds exactly the damage, and repairs it. */
  async #checkRepair(atRest: AtRest): Promise<void> {
    const { faults, random } = this.#history;
    const before = await this.#findNothing();
    const isUnclear = before.differing > 0 || before.unknown.some(({ toMs }) => toMs > 0);
    if (isUnclear || before.stuck !== undefined) return;
    const damaged = await damage(this.#clients, random.fork('damage'), await this.#kept());
    if (damaged === undefined) return;
    faults.count(`damage of ${damaged.level}`);
    const found = await this.#recount(false);
    const { level, entity } = damaged;
    if (found.differing === 0 || found.differences.some((one) => one.in !== level || one.entity !== entity))
      throw foundWrong(`a row of ${entity} in the ${level} is damaged`, found);
    const repaired = await this.#recount(true);
    if (repaired.repaired !== found.differing) throw foundWrong('not all of it is repaired', repaired);
    const after = await this.#recount(false);
    if (after.differing > 0) throw foundWrong(`the ${level} are repaired`, after);
    await this.#checkCounts(atRest);
    await this.#accounts();
  }

  /** A day later every level has everything, and what expires has expired. */
  async dayLater(): Promise<void> {
    await this.#compactAll();
    const state = await this.#clients.state.readState();
    for (const level of LEVELS) {
      if (state[level].plan !== undefined || (state[level].epoch === 0 && state.hours.epoch > 0))
        throw new Violation(
          'levels are right',
          `a day later the ${level} lag: ${JSON.stringify(state[level])}`,
        );
    }
    const atRest = await this.#accounts();
    await this.#checkCounts(atRest);
    // Four recounts take longer than most histories do.
    if (this.#history.random.fork('repair').chance(REPAIRS)) await this.#checkRepair(atRest);
    this.#noteReached();
  }

  async #accounts(): Promise<AtRest> {
    const { world, oracle, settings } = this.#history;
    return checkAccounts(world, oracle, settings.dedupWindowLeastMs, await this.status());
  }

  /** Deletes what TTL would delete, and notes what this history has reached that not every history does. */
  #noteReached(): void {
    const { world, oracle, settings } = this.#history;
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
    const { oracle, settings, functions } = this.#history;
    const { deployment } = functions;
    // Gives up also what a function lost whose clock is ahead (seed 210033146).
    const atOnce = { cadence: { hoursMs: 0 }, giveUpAfterMs: Number.NEGATIVE_INFINITY };
    const options = { ...settings.compaction, ...deployment, ...deployment.rollup, ...atOnce };
    await compact(this.#clients, options, () => true);
    if (oracle.violation !== undefined) throw oracle.violation;
  }

  /** Whether the blocks of the hours have every segment. */
  async #isCompacted(): Promise<boolean> {
    const { ledger } = this.#history.world;
    const { through, open } = (await this.#clients.state.readState()).hours.covers;
    const hasAll = (shard: ShardKey) => (through[shard] ?? 0) === (ledger.of(shard).head?.segment ?? 0);
    return open.length === 0 && ledger.keys().every(hasAll);
  }

  /** Queries everything, and compares it with what happened. */
  async #checkCounts(atRest: AtRest): Promise<void> {
    const { scheduler, functions, oracle } = this.#history;
    const { rollup, retentions } = functions.deployment;
    const asking = {
      ports: { ...this.#clients, hints: new Map() },
      settings: { acceptFutureMs: rollup.acceptFutureMs, retentions },
      heard: (answer: CountAnswer) => oracle.answered(answer),
    };
    const { counters } = atRest.expected;
    const asked = askedOf(counters);
    if (asked.names.length === 0) return;
    const isCompacted = await this.#isCompacted();
    // A row in flight shows until it is compacted.
    if (!isCompacted && oracle.deletions.size > 0) return;
    const firstHour = { level: 'hours', startMs: asked.firstMs - (asked.firstMs % 3_600_000) } as const;
    if (goneAtMs(firstHour, await this.#kept()) <= scheduler.nowMs()) {
      for (const [name, answer] of await coarserOf(asked, asking))
        checkAnswer(answer, boundsAtRest(atRest, name), ['nothing is lost', 'nothing counts twice']);
      if (oracle.violation !== undefined) throw oracle.violation;
      return;
    }
    const minutes = await minutesOf(asked, asking);
    checkMinutes(atRest, asked.names, minutes);
    await checkGrains(asked, minutes, asking);
    // Lists are as of an epoch, and parked messages may hold up epochs.
    const all = asked.names.length === counters.size ? minutes : exactMinutes(atRest);
    if (isCompacted && all !== undefined) await checkTops(all, asking);
    if (oracle.violation !== undefined) throw oracle.violation;
  }
}

function foundWrong(what: string, found: Findings): Violation {
  return new Violation(
    'a recount finds what is wrong, and nothing else',
    `${what}: ${found.differing} differ, ${found.repaired} repaired, ${JSON.stringify(found.differences[0])}`,
  );
}
