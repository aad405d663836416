// Every function except the aggregator, and the operator: what may start, and what its end means.

import { advanceCheckpoints } from '../../lambdas/accountant/advance-checkpoints.ts';
import { advanceWatermark } from '../../lambdas/accountant/advance-watermark.ts';
import { compact } from '../../lambdas/compactor/compact.ts';
import { DeltasMissing } from '../../lambdas/compactor/epoch-rows.ts';
import type { DeliveredMessage } from '../../lambdas/dead-letter-ports.ts';
import { parseCountQuery } from '../../lambdas/query/count-query.ts';
import { InvalidQuery } from '../../lambdas/query/invalid-query.ts';
import { readCounts } from '../../lambdas/query/read-counts.ts';
import { discardParked } from '../../lambdas/redriver/operate.ts';
import { redrive } from '../../lambdas/redriver/redrive.ts';
import { writeRollups } from '../../lambdas/writer/write.ts';
import { Violation } from '../oracle/violation.ts';
import { deliveredMessage } from '../simulation/world/deliveries.ts';
import type { Network } from '../simulation/world/network.ts';
import { type Actor, canonical } from './actor.ts';
import { ALWAYS, describeTime, timeFor, timesFor } from './aggregators.ts';
import type { Expiry } from './expiry.ts';
import type { Transition } from './fates.ts';
import { CONFIG, HOUR_MS } from './small-world.ts';
import type { Stage } from './stage.ts';

/** Everything is kept forever. */
const RETENTIONS = { hours: undefined, days: undefined, months: undefined, all: undefined };
export const QUERY = { acceptFutureMs: HOUR_MS, retentions: RETENTIONS };
const DISCARDING = { by: 'operator', at: '2026-11-22T05:00:00.000Z', why: 'not wanted' };

/** The functions. */
export class Functions {
  readonly #stage: Stage;
  readonly #expiry: Expiry;
  #compactors = 0;
  /** What answers called final, by counter, grain and start. */
  readonly final = new Map<string, bigint>();
  /** The parts of dead letters that were reported lost to an operator. */
  readonly discarded = new Set<string>();

  constructor(stage: Stage, expiry: Expiry) {
    this.#stage = stage;
    this.#expiry = expiry;
  }

  /** Everything that may start next. */
  transitions(): Transition[] {
    const { spec, world } = this.#stage;
    const next: Transition[] = [];
    if (this.#stage.mayStart('writer', spec.writersAtOnce)) next.push(...this.#writes());
    if (world.deadLetters.size > 0 && this.#stage.mayStart('redriver', 1))
      next.push({ label: 'redrive', run: () => this.#run('redriver', (actor) => this.redrive(actor)) });
    if (this.#stage.mayStart('accountant', 1))
      next.push({ label: 'account', run: () => this.#run('accountant', (actor) => this.watermark(actor)) });
    if (this.#stage.mayStart('compactor', spec.compactorsAtOnce))
      next.push({ label: 'compact', run: () => this.#compact() });
    if (this.#stage.mayStart('reader', 1)) next.push({ label: 'ask', run: () => this.#ask() });
    if (this.#stage.mayStart('operator', 1))
      for (const name of world.parkedNames())
        next.push({ label: `discard ${name}`, run: () => this.#discard(name) });
    return next;
  }

  async write(messages: readonly DeliveredMessage[], network: Network, deltas = ALWAYS) {
    const ports = { ...this.#stage.ports(network), random: () => 0 };
    // Deltas are stored one after the other, since their order makes no difference.
    return writeRollups(messages, ports, { retentions: RETENTIONS, concurrency: 1 }, timeFor(deltas));
  }

  redrive(network: Network) {
    return redrive(this.#stage.ports(network), { retentions: RETENTIONS }, () => true);
  }

  /** The accountant's run. @returns the watermark in force, epoch milliseconds */
  async watermark(network: Network): Promise<number> {
    const { ledger, log, clock } = this.#stage.ports(network);
    await advanceCheckpoints(ledger, () => true);
    return (await advanceWatermark(ledger, log, '1', clock)).throughMs;
  }

  /** A run of the compactor, with the block size of its turn. */
  compact(network: Network, turn: number) {
    const { blockBytes, configs } = this.#stage.spec;
    const settings = {
      generation: '1',
      retentions: RETENTIONS,
      cadence: { hoursMs: 0 },
      slotBits: (configs.at(-1) ?? CONFIG).slotBits,
      blockBytes: blockBytes[Math.min(turn, blockBytes.length - 1)] ?? 0,
      rangeEventsMax: 1_000,
      openMax: 2,
      giveUpAfterMs: 0,
    };
    return compact(this.#stage.ports(network), settings, () => true);
  }

  /** Every message alone, and all of them together; a message that another writer holds is a copy. */
  #writes(): Transition[] {
    const { world, left } = this.#stage;
    const ids = world.queue.messages().map(({ messageId }) => messageId);
    const groups = ids.length > 1 ? [...ids.map((id) => [id]), ids] : [ids];
    return groups
      .filter((group) => group.length > 0)
      .flatMap((group) =>
        timesFor(left.timeouts).map((deltas) => ({
          label: `write ${group.join(' ')}${describeTime(deltas)}`,
          run: () => this.#write(group, deltas),
        })),
      );
  }

  #write(group: readonly string[], deltas: number): void {
    const { world, left } = this.#stage;
    if (deltas !== ALWAYS) left.timeouts -= 1;
    const messages = world.queue.receiveAgain(new Set(group)).map(deliveredMessage);
    const run = async (actor: Actor) => {
      const { retry } = await this.write(messages, actor, deltas);
      if (!actor.alive) return;
      for (const { messageId, receiptHandle } of messages)
        if (!retry.includes(messageId)) world.queue.delete(receiptHandle);
    };
    this.#run('writer', run, `${canonical(messages)} ${deltas}`);
  }

  #compact(): void {
    const turn = this.#compactors;
    this.#compactors += 1;
    this.#run(
      'compactor',
      (actor) => this.compact(actor, turn),
      String(turn),
      (error) => {
        // Compaction must report deltas that expired too early, and no others.
        if (error instanceof DeltasMissing && this.#expiry.isLossy) return;
        throw new Violation('recovery ends', `the compactor failed: ${error}`);
      },
    );
  }

  #ask(): void {
    const { spec, oracle, clock } = this.#stage;
    const hourMs = clock.ms - (clock.ms % HOUR_MS);
    const range = { by: spec.asks, from: String(hourMs - 3 * HOUR_MS), to: String(hourMs + HOUR_MS) };
    const run = async (actor: Actor) => {
      const queries = oracle.counters.map((name) => {
        const [metric = '', entity = ''] = name.split('\n');
        return parseCountQuery(metric, entity, range, clock.ms);
      });
      const ports = { ...this.#stage.ports(actor), hints: new Map([['hours', spec.hint] as const]) };
      for (const read of await readCounts(queries, ports, QUERY)) {
        if (read instanceof InvalidQuery) throw read;
        oracle.answered(read.answer);
        this.#checkFinal(read.answer);
      }
    };
    this.#run('reader', run, `${hourMs} ${oracle.counters}`, (error) => {
      throw new Violation('answers are right', `a question failed: ${error}`);
    });
  }

  #checkFinal({ metric, entity, by, points }: Parameters<Stage['oracle']['answered']>[0]): void {
    for (const { at, n, state } of points) {
      const name = `${metric} of ${entity} by ${by} at ${at}`;
      const known = this.final.get(name);
      if (known !== undefined && known !== n)
        throw new Violation('answers are right', `${name} was final with ${known}, and is ${n}`);
      if (state === 'final') this.final.set(name, n);
    }
  }

  #discard(name: string): void {
    const run = async (actor: Actor) => {
      const ports = this.#stage.ports(actor);
      const message = await ports.parked.read(name);
      if (message === undefined) return;
      if ((await discardParked(message, DISCARDING, ports)) === 'discarded') this.discarded.add(name);
    };
    this.#run('operator', run, name);
  }

  /** Starts an invocation; the oracle keeps what it finds broken. */
  #run(
    role: Actor['role'],
    run: (actor: Actor) => Promise<unknown>,
    given = '',
    failed: (error: unknown) => void = () => {},
  ): void {
    const actor = this.#stage.start(role, given);
    const ended = (error?: unknown) => {
      actor.ended = true;
      if (error instanceof Violation) this.#stage.oracle.violation ??= error;
      else if (error !== undefined) this.#stage.oracle.check(() => failed(error));
    };
    run(actor).then(() => ended(), ended);
  }
}
