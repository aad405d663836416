// One run through a small world: what may happen next, how it happens, and what must be true in the end.
import { readStatus } from '../../lambdas/accountant/read-status.ts';
import { unknownHistory } from '../../lambdas/core/message-history.ts';
import { conservationDifference } from '../../lambdas/core/pipeline-status.ts';
import { decodeRollupMessage } from '../../lambdas/core/rollup-message.ts';
import { checkAnswer } from '../oracle/answers.ts';
import { type AtRest, boundsAtRest, checkAccounts, checkMinutes } from '../oracle/final.ts';
import { checkHours } from '../oracle/hours.ts';
import { askedOf, checkGrains, checkTops, coarserOf, minutesOf } from '../oracle/questions.ts';
import { Violation } from '../oracle/violation.ts';
import { allMicrotasks } from '../simulation/scheduler.ts';
import { deliveredMessage } from '../simulation/world/deliveries.ts';
import { directNetwork } from '../simulation/world/network.ts';
import { canonical, hash } from './actor.ts';
import { Aggregators } from './aggregators.ts';
import { Expiry } from './expiry.ts';
import { fatesOf, type Transition } from './fates.ts';
import { Functions, QUERY } from './functions.ts';
import { HOUR_MS, NOW_MS, type SmallWorld, type Step } from './small-world.ts';
import { Stage } from './stage.ts';

const MINUTE_MS = 60_000;
const DAY_MS = 24 * HOUR_MS;

/** The world and its actors. */
export class SmallRun {
  readonly #stage: Stage;
  readonly #aggregators: Aggregators;
  readonly #expiry: Expiry;
  readonly #functions: Functions;
  readonly #steps: Readonly<Record<Step, () => Promise<unknown>>> = {
    aggregate: () => this.#aggregators.finish(),
    store: () => this.#store(),
    write: () => this.#write(),
    copy: () => this.#write(true),
    newest: () => this.#write(false, -1),
    park: () => this.#park(),
    account: () => this.#functions.watermark(directNetwork),
    compact: () => this.#functions.compact(directNetwork, 0),
  };

  constructor(spec: SmallWorld) {
    this.#stage = new Stage(spec);
    this.#aggregators = new Aggregators(this.#stage);
    this.#expiry = new Expiry(this.#stage);
    this.#functions = new Functions(this.#stage, this.#expiry);
  }

  /** Puts the records, and takes the steps that the world declares as done before its start. */
  async start(): Promise<void> {
    const { records, reshards, aggregated } = this.#stage.spec;
    for (const [place, { shard = 0, atMs = place, done = [], ...record }] of records.entries()) {
      for (const reshard of reshards) if (reshard.after === place) this.#stage.reshard(reshard);
      this.#stage.put(this.#stage.shard(shard), record, NOW_MS + atMs);
      for (const step of done) await this.#steps[step]();
    }
    if (aggregated) await this.#aggregators.finish();
  }

  /** Everything that may happen next. */
  transitions(): Transition[] {
    const { actors, left } = this.#stage;
    const hour = { label: 'an hour passes', run: () => this.#anHourPasses() };
    return [
      ...actors.flatMap((actor, number) => fatesOf(actor, `${actor.role}-${number}`, left)),
      ...this.#aggregators.transitions(),
      ...this.#functions.transitions(),
      ...this.#expiry.transitions(),
      ...(left.hours > 0 ? [hour] : []),
    ];
  }

  /** Takes one step, and lets all code run until it waits again. */
  async take(transition: Transition): Promise<void> {
    transition.run();
    await allMicrotasks();
    this.#throwViolation();
  }

  /** A hash of the state that determines everything from here on. */
  state(): string {
    const { final, discarded } = this.#functions;
    const known = [[...final].map(([name, n]) => `${name} ${n}`), [...discarded], this.#expiry.isLossy];
    return hash(canonical([this.#stage.state(), this.#aggregators.state(), known]));
  }

  /** Nothing fails any more: everything must come to rest, and be right. */
  async finish(): Promise<void> {
    try {
      await this.#comeToRest();
    } catch (error) {
      throw error instanceof Violation ? error : new Violation('recovery ends', String(error));
    }
  }

  async #comeToRest(): Promise<void> {
    const { world, clock, spec } = this.#stage;
    const heartbeatMs = clock.ms + 100;
    for (const shard of world.stream.open())
      this.#stage.put(
        shard,
        { events: [`beat-${shard.id}:heart`], happenedMs: heartbeatMs - NOW_MS },
        heartbeatMs,
      );
    await this.#aggregators.finish();
    for (let rounds = 0; world.queue.size + world.deadLetters.size > 0; rounds += 1) {
      // Messages hidden by a dead invocation become visible.
      clock.ms += 120_000;
      if (rounds > 10) throw new Violation('recovery ends', 'messages stay in the queues');
      await this.#write();
      if (world.deadLetters.size > 0) await this.#functions.redrive(directNetwork);
    }
    const atRest = await this.#checkAccounts();
    const watermarkMs = await this.#functions.watermark(directNetwork);
    this.#throwViolation();
    if (watermarkMs < heartbeatMs && atRest.waiting.parkedEvents === 0)
      throw new Violation(
        'completeThrough is true',
        'everything is counted, and the watermark does not say so',
      );
    if (!this.#expiry.isLossy) await this.#checkCounts(atRest);
    if (spec.compactors > 0) await this.#checkCompacted(atRest);
  }

  async #checkAccounts(): Promise<AtRest> {
    const { world, oracle, windowMs } = this.#stage;
    const status = await readStatus(this.#stage.ports().ledger);
    if (conservationDifference(status) !== 0)
      throw new Violation('accounts balance at every moment', JSON.stringify(status));
    checkHours(world, status);
    for (const name of this.#functions.discarded) {
      const [segment = '', part] = name.split('/');
      if (oracle.rollups.isStored(segment, Number(part)))
        throw new Violation('loss is named', `${name} is counted, and the operator was told that it is lost`);
    }
    return checkAccounts(world, oracle, windowMs, status);
  }

  /** Asks for the minutes and the sum of everything. */
  async #checkCounts(atRest: AtRest, isCompacted = false): Promise<void> {
    const asking = { ports: { ...this.#stage.ports(), hints: new Map() }, settings: QUERY };
    const asked = askedOf(atRest.expected.counters);
    const minutes = await minutesOf(asked, asking);
    checkMinutes(atRest, asked.names, minutes);
    for (const [name, answer] of await coarserOf(asked, asking))
      checkAnswer(answer, boundsAtRest(atRest, name), ['nothing is lost', 'nothing counts twice']);
    if (!isCompacted) return;
    await checkGrains(asked, minutes, asking);
    await checkTops(minutes, asking);
  }

  /** Two days later every level has everything, and gives the same counts. */
  async #checkCompacted(atRest: AtRest): Promise<void> {
    const { clock, spec } = this.#stage;
    clock.ms += 2 * DAY_MS - (clock.ms % MINUTE_MS);
    try {
      await this.#functions.compact(directNetwork, spec.compactors);
    } catch (error) {
      if (this.#expiry.isLossy) return;
      throw error;
    }
    const { covers } = (await this.#stage.ports().state.readState()).hours;
    const isParked = atRest.waiting.parkedEvents > 0;
    if (!isParked && covers.open.length > 0)
      throw new Violation('recovery ends', `${covers.open.length} segments stay open`);
    await this.#checkCounts(atRest, !isParked);
    this.#throwViolation();
  }

  #throwViolation(): void {
    const { violation } = this.#stage.oracle;
    if (violation !== undefined) throw violation;
  }

  #messages() {
    const { queue } = this.#stage.world;
    const everything = new Set(queue.messages().map(({ messageId }) => messageId));
    return queue.receiveAgain(everything).map(deliveredMessage);
  }

  /** Writes messages. @param keep whether copies of them stay; @param from the first one's place */
  async #write(keep = false, from = 0): Promise<void> {
    const messages = this.#messages().slice(from);
    const { retry } = await this.#functions.write(messages, directNetwork);
    if (retry.length > 0) throw new Violation('recovery ends', `messages ${retry} failed`);
    if (keep) return;
    for (const { receiptHandle } of messages) this.#stage.world.queue.delete(receiptHandle);
  }

  /** Stores deltas like a writer that dies before it acknowledges them; their messages are consumed. */
  async #store(): Promise<void> {
    const { store } = this.#stage.ports();
    for (const { body, receiptHandle } of this.#messages()) {
      for (const delta of decodeRollupMessage(body).deltas) await store.putDelta(delta);
      this.#stage.world.queue.delete(receiptHandle);
    }
  }

  /** Parks all messages; each stays in the queue as a copy. */
  async #park(): Promise<void> {
    const { archive, ledger } = this.#stage.ports();
    for (const message of this.#messages()) {
      await archive.keepParked(message, unknownHistory(this.#stage.clock.ms));
      const { segment, deltas } = decodeRollupMessage(message.body);
      await ledger.notePlace(
        segment,
        deltas.map(({ part }) => part),
        'parked',
      );
    }
  }

  #anHourPasses(): void {
    this.#stage.left.hours -= 1;
    this.#stage.clock.ms += HOUR_MS;
  }
}
