// One run through a small world: what may happen next, and making it happen.
import { readStatus } from '../../lambdas/accountant/read-status.ts';
import { aggregate } from '../../lambdas/aggregator/aggregate.ts';
import { DedupWindows } from '../../lambdas/aggregator/windows.ts';
import { conservationDifference } from '../../lambdas/counting/pipeline-status.ts';
import type { DeliveredMessage } from '../../lambdas/ports.ts';
import { redrive } from '../../lambdas/redriver/redrive.ts';
import { writeRollups } from '../../lambdas/writer/write.ts';
import { checkAtRest } from '../oracle/final.ts';
import { Oracle } from '../oracle/oracle.ts';
import { Violation } from '../oracle/violation.ts';
import { Random } from '../random.ts';
import { allMicrotasks } from '../scheduler.ts';
import { directNetwork } from '../world/network.ts';
import type { StoredShard } from '../world/stream.ts';
import { ORDINARY_WORLD, World } from '../world/world.ts';
import { Actor, canonical, hash } from './actor.ts';
import { type Budgets, fatesOf, type Transition } from './fates.ts';
import { aggregatorSettings, REDRIVER, SmallPorts, WRITER } from './small-ports.ts';
import type { SmallWorld } from './small-world.ts';

const NOW_MS = Date.UTC(2026, 10, 22, 5, 7);
const RETRIES = '{"attempts":1,"redriveRounds":1,"redriveDelaySeconds":0,"backoffBaseSeconds":0}';
/** The world and all that goes on in it. */
export class SmallRun {
  readonly #spec: SmallWorld;
  readonly #world: World;
  readonly #ports: SmallPorts;
  readonly #oracle: Oracle;
  readonly #actors: Actor[] = [];
  readonly #left: Budgets;
  /** Records of each shard that the mapping knows to be done. */
  readonly #checkpoints = new Map<StoredShard, number>();
  /** The container that may be warm: its windows, and a hash of what it went through. */
  #warm: { windows: DedupWindows; memory: string } | undefined;
  readonly #clock = { ms: NOW_MS, nowMs: () => this.#clock.ms };
  #config = 0;

  constructor(spec: SmallWorld) {
    this.#spec = spec;
    const { aggregators, writers, redrivers = 0, crashes, ambiguities, errors, partialSends } = spec;
    this.#left = {
      aggregators,
      writers,
      redrivers,
      crashes,
      ambiguities,
      errors,
      partials: partialSends,
      cutting: false,
    };
    const windowMs = Math.min(...spec.configs.map(({ dedupWindowMs }) => dedupWindowMs));
    this.#oracle = new Oracle(windowMs, this.#clock);
    this.#world = new World({
      ...ORDINARY_WORLD,
      pages: { records: 100, empties: true },
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
    const { stream } = this.#world;
    for (const [place, { shard, events }] of this.#spec.records.entries()) {
      if (place === this.#spec.splitAfter) stream.split(stream.all()[0] as StoredShard);
      this.#put(stream.all()[shard] as StoredShard, events, place);
    }
    if (this.#spec.aggregated) await this.#aggregateRest();
  }

  #put(shard: StoredShard, events: readonly string[], delayMs: number): void {
    const occurrences = events.map((event) => {
      const [id = '', entity = ''] = event.split(':');
      return { id, metric: 'views', entity, atMs: NOW_MS, n: 1, rejected: undefined };
    });
    this.#oracle.expectRecord(occurrences);
    const texts = occurrences.map(({ id, metric, entity, atMs }) => ({ id, metric, entity, at: atMs }));
    this.#world.stream.putInto(shard, Buffer.from(JSON.stringify(texts)), NOW_MS + delayMs);
  }

  /** Everything that may happen next. */
  transitions(): Transition[] {
    const next: Transition[] = [];
    for (const [number, actor] of this.#actors.entries())
      next.push(...fatesOf(actor, `${actor.role}-${number}`, this.#left));
    if (this.#left.aggregators > 0 && this.#running('aggregator') < this.#spec.aggregatorsAtOnce)
      for (const shard of this.#world.stream.all()) this.#ofShard(shard, next);
    if (this.#left.writers > 0 && this.#running('writer') < this.#spec.writersAtOnce) this.#ofQueue(next);
    if (this.#left.redrivers > 0 && this.#running('redriver') === 0 && this.#world.deadLetters.size > 0) {
      next.push({
        label: 'redrive',
        run: () => {
          this.#left.redrivers -= 1;
          this.#redrive(this.#actor('redriver', ''));
        },
      });
    }
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
    const { ledger, counters, queue, deadLetters, archive } = this.#world;
    const shards = ledger.keys().map((key) => [key, ledger.of(key)]);
    const actors = this.#actors.map(({ role, memory, ended, request }) => [
      role,
      memory,
      ended,
      ended ? '' : `${request?.operation} ${request?.subject}`,
    ]);
    const warm = this.#warm?.memory;
    const rest = [
      this.#left,
      [...this.#checkpoints.values()],
      warm,
      this.#config,
      [...archive.objects.keys()],
    ];
    return hash(
      canonical([shards, counters.items(), queue.messages(), deadLetters.messages(), actors, rest]),
    );
  }

  /** Nothing fails any more: everything must come to rest, and be right. */
  async finish(): Promise<void> {
    for (const shard of this.#world.stream.open()) this.#put(shard, [`beat-${shard.id}:heart`], 100);
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
    checkAtRest(this.#world, this.#oracle, 600_000, status);
    if (this.#oracle.violation !== undefined) throw this.#oracle.violation;
  }

  /** Every batch that the mapping may deliver: it starts at the checkpoint or before, and ends anywhere. */
  #ofShard(shard: StoredShard, next: Transition[]): void {
    const done = this.#checkpoints.get(shard) ?? 0;
    const parentsDone = shard.parents.every((id) => {
      const parent = this.#world.stream.shard(id);
      return (this.#checkpoints.get(parent) ?? 0) === parent.records.length;
    });
    if (!parentsDone && !this.#spec.earlyChild) return;
    for (let from = 0; from <= done; from += 1) {
      for (let to = from + 1; to <= shard.records.length; to += 1) {
        for (let config = this.#config; config < this.#spec.configs.length; config += 1) {
          const label = `deliver ${shard.id.slice(-1)}[${from + 1}..${to}] config ${config}`;
          const deliver = (warm: boolean) => () => this.#deliver(shard, from, to, config, warm);
          next.push({ label, run: deliver(false) });
          if (this.#warm !== undefined && config === this.#config)
            next.push({ label: `${label} warm`, run: deliver(true) });
        }
      }
    }
  }

  #deliver(shard: StoredShard, from: number, to: number, config: number, warm: boolean): void {
    this.#left.aggregators -= 1;
    if (config > this.#config) this.#warm = undefined;
    this.#config = config;
    const container = (warm ? this.#warm : undefined) ?? { windows: new DedupWindows(), memory: '' };
    if (warm) this.#warm = undefined;
    const actor = this.#actor('aggregator', `${shard.id} ${from} ${to} ${config} ${container.memory}`);
    const records = shard.records.slice(from, to).map((record) => this.#world.stream.decoded(record));
    const ports = this.#ports.aggregator(actor, container.windows);
    const settings = aggregatorSettings(this.#spec, config);
    aggregate({ shard: shard.id, records }, ports, settings, () => true).then(
      () => {
        if (!actor.alive) return;
        actor.ended = true;
        this.#warm = { ...container, memory: actor.memory };
        this.#checkpoints.set(shard, Math.max(to, this.#checkpoints.get(shard) ?? 0));
      },
      () => {
        if (!actor.alive) return;
        actor.ended = true;
        this.#warm = { ...container, memory: actor.memory };
      },
    );
  }

  /** Every message alone, and all of them together; one that another writer holds is a copy. */
  #ofQueue(next: Transition[]): void {
    const ids = this.#world.queue.messages().map(({ messageId }) => messageId);
    const groups = ids.length > 1 ? [...ids.map((id) => [id]), ids] : [ids];
    for (const group of groups) {
      if (group.length === 0) continue;
      next.push({
        label: `write ${group.join(' ')}`,
        run: () => {
          this.#left.writers -= 1;
          const messages = this.#world.queue.receiveAgain(new Set(group));
          this.#write(this.#actor('writer', canonical(messages)), messages);
        },
      });
    }
  }

  #write(actor: Actor, messages: readonly DeliveredMessage[]): void {
    writeRollups(messages, this.#ports.writer(actor), WRITER, () => true).then(
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

  #redrive(actor: Actor): void {
    const end = () => {
      actor.ended = true;
    };
    redrive(this.#ports.redriver(actor), REDRIVER, () => true).then(end, end);
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
    const actor = new Actor(role, given, NOW_MS);
    this.#actors.push(actor);
    return actor;
  }
}
