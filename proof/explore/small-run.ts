// One run through a small world: what may happen next, and making it happen.
import { claimCompleteness } from '../../lambdas/accountant/claim-completeness.ts';
import { keepBooks } from '../../lambdas/accountant/keep-books.ts';
import { readStatus } from '../../lambdas/accountant/read-status.ts';
import { type AggregateOutcome, aggregate } from '../../lambdas/aggregator/aggregate.ts';
import { DedupWindows } from '../../lambdas/aggregator/windows.ts';
import type { ShardId } from '../../lambdas/core/identifiers.ts';
import { conservationDifference } from '../../lambdas/core/pipeline-status.ts';
import { redrive } from '../../lambdas/redriver/redrive.ts';
import { writeRollups } from '../../lambdas/writer/write.ts';
import { type AtRest, checkAccounts, checkMinutes } from '../oracle/final.ts';
import { checkHours } from '../oracle/hours.ts';
import { Oracle } from '../oracle/oracle.ts';
import { askedOf, minutesOf } from '../oracle/questions.ts';
import { Violation } from '../oracle/violation.ts';
import { Random } from '../simulation/random.ts';
import { allMicrotasks } from '../simulation/scheduler.ts';
import { TABLES } from '../simulation/world/names.ts';
import { directNetwork, type Network } from '../simulation/world/network.ts';
import type { StoredShard } from '../simulation/world/stream.ts';
import { ORDINARY_WORLD, World } from '../simulation/world/world.ts';
import { Actor, canonical, hash } from './actor.ts';
import { WarmContainers } from './containers.ts';
import {
  ALWAYS,
  type Delivery,
  deliveriesOf,
  describeDelivery,
  placeOf,
  timeFor,
  timesFor,
} from './deliveries.ts';
import { type Budgets, budgetsOf, fatesOf, type Transition } from './fates.ts';
import { aggregatorSettings, REDRIVER, SmallPorts, WRITER } from './small-ports.ts';
import type { Reshard, SmallWorld } from './small-world.ts';

const NOW_MS = Date.UTC(2026, 10, 22, 5, 7);
const HOUR_MS = 3_600_000;
const QUERY = { acceptPastMs: undefined, acceptFutureMs: HOUR_MS, retentions: WRITER.retentions };
const RETRIES = '{"attempts":1,"redriveRounds":1,"redriveDelaySeconds":0,"backoffBaseSeconds":0}';

/** The world and all that goes on in it. */
export class SmallRun {
  readonly #spec: SmallWorld;
  readonly #world: World;
  readonly #ports: SmallPorts;
  readonly #oracle: Oracle;
  readonly #actors: Actor[] = [];
  readonly #left: Budgets;
  readonly #windowMs: number;
  /** Records of each shard that the mapping knows to be done. */
  readonly #checkpoints = new Map<StoredShard, number>();
  readonly #containers: WarmContainers;
  readonly #clock = { ms: NOW_MS, nowMs: () => this.#clock.ms };
  #config = 0;

  constructor(spec: SmallWorld) {
    this.#spec = spec;
    this.#left = budgetsOf(spec);
    this.#containers = new WarmContainers(spec.containers);
    this.#windowMs = Math.min(...spec.configs.map(({ dedupWindowMs }) => dedupWindowMs));
    this.#oracle = new Oracle(this.#windowMs);
    this.#world = new World({
      ...ORDINARY_WORLD,
      limits: { ...ORDINARY_WORLD.limits, emptyPages: true },
      clock: this.#clock,
      random: new Random('small world'),
      observer: this.#oracle,
      shards: spec.shards,
      retries: RETRIES,
      partialSends: { taken: (entries) => (this.#left.cutting ? Math.min(1, entries) : entries) },
    });
    this.#oracle.world = this.#world;
    this.#ports = new SmallPorts(this.#world, this.#clock);
  }

  /** Puts the records, and lets the aggregator finish first where the world says so. */
  async start(): Promise<void> {
    const { records, reshards = [], aggregated } = this.#spec;
    for (const [place, { shard, events, atMs = place }] of records.entries()) {
      for (const reshard of reshards) if (reshard.after === place) this.#reshard(reshard);
      this.#put(this.#shard(shard), events, NOW_MS + atMs);
    }
    if (aggregated) await this.#aggregateRest();
  }

  #shard(number: number): StoredShard {
    return this.#world.stream.all()[number] as StoredShard;
  }

  #reshard(reshard: Reshard): void {
    if ('split' in reshard) this.#world.stream.split(this.#shard(reshard.split));
    else this.#world.stream.merge(this.#shard(reshard.merge[0]), this.#shard(reshard.merge[1]));
  }

  #put(shard: StoredShard, events: readonly string[], arrivalMs: number): void {
    this.#clock.ms = Math.max(this.#clock.ms, arrivalMs);
    const metric = 'views';
    const sent = events.map((event) => {
      const [id = '', entity = ''] = event.split(':');
      return { id, metric, entity, at: NOW_MS };
    });
    this.#oracle.expectRecord(
      sent.map(({ id, entity, at }) => ({
        id: `${entity} ${id}`,
        metric,
        entity,
        atMs: at,
        n: 1,
        rejected: undefined,
      })),
    );
    const batch = [1, `batch-${shard.records.length}`, sent];
    this.#world.stream.putInto(shard, Buffer.from(JSON.stringify(batch)), arrivalMs);
  }

  /** Everything that may happen next. */
  transitions(): Transition[] {
    const next: Transition[] = [];
    for (const [number, actor] of this.#actors.entries())
      next.push(...fatesOf(actor, `${actor.role}-${number}`, this.#left));
    if (this.#left.aggregators > 0 && this.#running('aggregator') < this.#spec.aggregatorsAtOnce)
      for (const shard of this.#world.stream.all()) this.#ofShard(shard, next);
    if (this.#left.writers > 0 && this.#running('writer') < this.#spec.writersAtOnce) this.#ofQueue(next);
    if (this.#left.redrivers > 0 && this.#running('redriver') === 0 && this.#world.deadLetters.size > 0)
      next.push({ label: 'redrive', run: () => this.#redrive() });
    if (this.#left.accountants > 0 && this.#running('accountant') === 0)
      next.push({ label: 'keep books and claim', run: () => this.#account() });
    if (this.#left.hours > 0) next.push({ label: 'an hour passes', run: () => this.#anHourPasses() });
    return next;
  }

  /** Makes something happen, and lets all code run until it stands still again. */
  async take(transition: Transition): Promise<void> {
    transition.run();
    await allMicrotasks();
    if (this.#oracle.violation !== undefined) throw this.#oracle.violation;
  }

  /** A hash of everything that can make a difference from here on. */
  state(): string {
    const { aws, ledger, queue, deadLetters, archive } = this.#world;
    const shards = ledger.keys().map((key) => [key, ledger.of(key)]);
    const actors = this.#actors.map(({ role, memory, ended, request }) => [
      role,
      memory,
      ended,
      ended ? '' : `${request?.operation} ${request?.subject}`,
    ]);
    const rest = [
      this.#left,
      [...this.#checkpoints.values()],
      this.#containers.waiting.map(({ memory }) => memory),
      this.#config,
      this.#clock.ms,
      ledger.claimMs,
      archive.keys(),
    ];
    return hash(
      canonical([
        shards,
        [...aws.dynamoDb.table(TABLES.counts).items()],
        queue.messages(),
        deadLetters.messages(),
        actors,
        rest,
      ]),
    );
  }

  /** Nothing fails any more: everything must come to rest, and be right. */
  async finish(): Promise<void> {
    const beatMs = this.#clock.ms + 100;
    for (const shard of this.#world.stream.open()) this.#put(shard, [`beat-${shard.id}:heart`], beatMs);
    try {
      await this.#aggregateRest();
    } catch (error) {
      throw new Violation('recovery ends', String(error));
    }
    for (let rounds = 0; this.#world.queue.size + this.#world.deadLetters.size > 0; rounds += 1) {
      // Whatever a dead invocation hid comes to light.
      this.#clock.ms += 120_000;
      if (rounds > 10) throw new Violation('recovery ends', 'messages stay in the queues');
      const ids = new Set(this.#world.queue.messages().map(({ messageId }) => messageId));
      const messages = this.#world.queue.receiveAgain(ids);
      const { retry } = await writeRollups(messages, this.#ports.writer(directNetwork), WRITER, () => true);
      if (retry.length > 0) throw new Violation('recovery ends', `messages ${retry} failed`);
      for (const { receiptHandle } of messages) this.#world.queue.delete(receiptHandle);
      if (this.#world.deadLetters.size > 0)
        await redrive(this.#ports.redriver(directNetwork), REDRIVER, () => true);
    }
    const status = await readStatus(this.#world.clients(directNetwork, this.#clock).ledger);
    if (conservationDifference(status) !== 0)
      throw new Violation('accounts balance at every moment', JSON.stringify(status));
    checkHours(this.#world, status);
    const atRest = checkAccounts(this.#world, this.#oracle, this.#windowMs, status);
    await this.#checkCounts(atRest);
    const claimMs = await this.#claim(directNetwork);
    if (this.#oracle.violation !== undefined) throw this.#oracle.violation;
    if (claimMs < beatMs && status.parked === 0)
      throw new Violation('completeThrough is true', 'everything is counted, and nobody claims it');
  }

  /** Asks for the minutes of everything. */
  async #checkCounts(atRest: AtRest): Promise<void> {
    const { ledger: claims, state, store: counts } = this.#world.clients(directNetwork, this.#clock);
    const ports = { claims, state, counts, hints: new Map(), clock: this.#clock };
    const asked = askedOf(atRest.expected.counters);
    checkMinutes(atRest, asked.names, await minutesOf(asked, ports, QUERY));
  }

  #ofShard(shard: StoredShard, next: Transition[]): void {
    if (!this.#spec.earlyChild && !shard.parents.every((parent) => this.#isDone(parent))) return;
    const warm = this.#containers.waiting;
    const deliveries = deliveriesOf(shard, {
      done: this.#checkpoints.get(shard) ?? 0,
      config: this.#config,
      configs: this.#spec.configs.length,
      warm,
      timeouts: this.#left.timeouts > 0,
    });
    for (const delivery of deliveries)
      next.push({ label: describeDelivery(delivery, warm), run: () => this.#deliver(delivery) });
  }

  /** Whether everything in a shard and its ancestors is known to be done. */
  #isDone(id: ShardId): boolean {
    const { records, parents } = this.#world.stream.shard(id);
    const done = this.#checkpoints.get(this.#world.stream.shard(id)) ?? 0;
    return done === records.length && parents.every((parent) => this.#isDone(parent));
  }

  #deliver(delivery: Delivery): void {
    const { shard, from, to, config, container, segments } = delivery;
    this.#left.aggregators -= 1;
    if (segments !== ALWAYS) this.#left.timeouts -= 1;
    if (config > this.#config) this.#containers.giveUp();
    this.#config = config;
    this.#containers.take(container);
    const given = `${shard.id} ${from} ${to} ${config} ${segments} ${container.memory}`;
    const actor = this.#actor('aggregator', given);
    const records = shard.records.slice(from, to).map((record) => this.#world.stream.decoded(record));
    const ports = this.#ports.aggregator(actor, container.windows);
    const settings = aggregatorSettings(this.#spec, config);
    const end = (outcome: AggregateOutcome | 'failed') => {
      if (!actor.alive) return;
      actor.ended = true;
      this.#containers.keep({ ...container, memory: actor.memory });
      if (outcome === 'failed') return;
      const reached = outcome === 'done' ? to : placeOf(shard, outcome.resumeAt);
      this.#checkpoints.set(shard, Math.max(reached, this.#checkpoints.get(shard) ?? 0));
    };
    const batch = { shard: shard.id, records };
    aggregate(batch, ports, settings, timeFor(segments)).then(end, () => end('failed'));
  }

  /** Every message alone, and all of them together; one that another writer holds is a copy. */
  #ofQueue(next: Transition[]): void {
    const ids = this.#world.queue.messages().map(({ messageId }) => messageId);
    const groups = ids.length > 1 ? [...ids.map((id) => [id]), ids] : [ids];
    for (const group of groups) {
      if (group.length === 0) continue;
      for (const updates of timesFor(this.#left.timeouts > 0))
        next.push({
          label: `write ${group.join(' ')}${updates === ALWAYS ? '' : `, time for ${updates}`}`,
          run: () => this.#write(group, updates),
        });
    }
  }

  #write(group: readonly string[], updates: number): void {
    this.#left.writers -= 1;
    if (updates !== ALWAYS) this.#left.timeouts -= 1;
    const messages = this.#world.queue.receiveAgain(new Set(group));
    const actor = this.#actor('writer', `${canonical(messages)} ${updates}`);
    writeRollups(messages, this.#ports.writer(actor), WRITER, timeFor(updates)).then(
      ({ retry }) => {
        if (!actor.alive) return;
        actor.ended = true;
        for (const { messageId, receiptHandle } of messages)
          if (!retry.includes(messageId)) this.#world.queue.delete(receiptHandle);
      },
      () => {
        actor.ended = true;
      },
    );
  }

  #redrive(): void {
    this.#left.redrivers -= 1;
    const actor = this.#actor('redriver', '');
    const end = () => {
      actor.ended = true;
    };
    redrive(this.#ports.redriver(actor), REDRIVER, () => true).then(end, end);
  }

  #account(): void {
    this.#left.accountants -= 1;
    const actor = this.#actor('accountant', '');
    const end = () => {
      actor.ended = true;
    };
    this.#claim(actor).then(end, end);
  }

  /** The accountant's run. @returns the claim in force, epoch milliseconds */
  async #claim(network: Network): Promise<number> {
    const { ledger, log } = this.#world.clients(network, this.#clock);
    await keepBooks(ledger, () => true);
    return (await claimCompleteness(ledger, log, '1', this.#clock)).throughMs;
  }

  #anHourPasses(): void {
    this.#left.hours -= 1;
    this.#clock.ms += HOUR_MS;
  }

  /** Delivers what the mapping does not know to be done, record by record. */
  async #aggregateRest(): Promise<void> {
    const windows = new DedupWindows();
    for (const shard of this.#world.stream.all()) {
      for (let place = this.#checkpoints.get(shard) ?? 0; place < shard.records.length; place += 1) {
        const records = shard.records
          .slice(place, place + 1)
          .map((record) => this.#world.stream.decoded(record));
        const ports = this.#ports.aggregator(directNetwork, windows);
        const settings = aggregatorSettings(this.#spec, this.#config);
        await aggregate({ shard: shard.id, records }, ports, settings, () => true);
        this.#checkpoints.set(shard, place + 1);
      }
    }
  }

  #running(role: Actor['role']): number {
    return this.#actors.filter((actor) => actor.role === role && !actor.ended).length;
  }

  #actor(role: Actor['role'], given: string): Actor {
    const actor = new Actor(role, `${given} ${this.#clock.ms}`, this.#clock.ms);
    this.#actors.push(actor);
    return actor;
  }
}
