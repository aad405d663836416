// The functions as Lambda runs them: containers warm, stale or cold, each invocation with an end that its trigger sees.

import { advanceCheckpoints } from '../../../lambdas/accountant/advance-checkpoints.ts';
import { advanceWatermark } from '../../../lambdas/accountant/advance-watermark.ts';
import { readStatus } from '../../../lambdas/accountant/read-status.ts';
import { type AggregateOutcome, aggregate, type Batch } from '../../../lambdas/aggregator/aggregate.ts';
import { SILENT } from '../../../lambdas/aggregator/segment-listener.ts';
import { DedupWindows } from '../../../lambdas/aggregator/windows.ts';
import { compact } from '../../../lambdas/compactor/compact.ts';
import type { CompactionReport } from '../../../lambdas/compactor/ports.ts';
import type { RollupConfig } from '../../../lambdas/core/segment.ts';
import { type LevelRetentionsMs, retentionsKept } from '../../../lambdas/core/watermark.ts';
import type { DeliveredMessage, ParkedMessage } from '../../../lambdas/dead-letter-ports.ts';
import { deleteEntity } from '../../../lambdas/deletion/delete-entity.ts';
import { parseCountQuery } from '../../../lambdas/query/count-query.ts';
import { InvalidQuery } from '../../../lambdas/query/invalid-query.ts';
import type { DepthHints } from '../../../lambdas/query/read-blocks.ts';
import { readCounts } from '../../../lambdas/query/read-counts.ts';
import type { Findings } from '../../../lambdas/recount/ports.ts';
import type { OperatorPorts } from '../../../lambdas/redriver/operate.ts';
import { redrive } from '../../../lambdas/redriver/redrive.ts';
import { writeRollups } from '../../../lambdas/writer/write.ts';
import { checkHourEquations } from '../../oracle/hours.ts';
import type { History } from '../history.ts';
import { Invocation } from '../invocation.ts';
import { type Role, UPDATE_MS } from '../plan/faults.ts';
import { valueIn } from '../value-in.ts';
import type { Clients, RememberedPolicy } from '../world/world.ts';
import { nothingSaved, recountAll } from './recounts.ts';

/** What a deployment sets. */
export interface Deployment {
  readonly rollup: RollupConfig;
  readonly retentions: LevelRetentionsMs;
  readonly generation: string;
}

/** A container: its memory between invocations, and its machine's clock. */
interface Container {
  readonly deployment: Deployment;
  readonly windows: DedupWindows;
  readonly policy: RememberedPolicy;
  readonly hints: DepthHints;
  readonly skewMs: number;
}

/** How an invocation ended, as its trigger sees it. */
export type Ending<T> = { readonly result: T } | { readonly failure: string };

/** The result of a writer's batch. */
export type WriteOutcome = Awaited<ReturnType<typeof writeRollups>>;

/** What a function does with the adapters on its network. */
type Run<T> = (clients: Clients, container: Container, invocation: Invocation) => Promise<T>;

/** When an operator repeats a command that failed. */
const AGAIN_MS = 60_000;

/** The functions that a deployment updates, one after the other. */
const ROLES: readonly Role[] = ['aggregator', 'writer', 'redriver', 'accountant', 'compactor', 'reader'];

/** Runs use cases in containers. */
export class Functions {
  readonly #history: History;
  readonly #idle = new Map<Role, Container[]>();
  /** The deployment in force. */
  deployment: Deployment;
  /** The one before it, and until when functions that are updated later still have it. */
  #before: Deployment;
  readonly #beforeUntilMs = new Map<Role, number>();
  #deployments = 0;
  #invocations = 0;
  #containers = 0;
  /** Why invocations failed lately, for a message when recovery does not end. */
  lastFailure = 'none';

  constructor(history: History) {
    this.#history = history;
    const { rollup, retentions } = history.settings;
    this.deployment = { rollup, retentions, generation: '1' };
    this.#before = this.deployment;
  }

  /**
   * Deploys a change: running invocations go on with the old configuration, no container is used again. In half of the
   * deployments, some functions are updated later than others.
   */
  deploy(change: Partial<Deployment>): void {
    const { random, scheduler } = this.#history;
    this.#deployments += 1;
    const draw = random.fork(`deployment-${this.#deployments}`);
    const spreadMs = draw.chance(0.5) ? UPDATE_MS : 0;
    for (const role of ROLES)
      this.#beforeUntilMs.set(role, scheduler.nowMs() + Math.floor(draw.next() * spreadMs));
    this.#before = this.deployment;
    this.deployment = { ...this.deployment, ...change };
    this.goCold();
  }

  /** What a function runs with that starts now. */
  #deploymentOf(role: Role): Deployment {
    const isBefore = this.#history.scheduler.nowMs() < (this.#beforeUntilMs.get(role) ?? 0);
    return isBefore ? this.#before : this.deployment;
  }

  /** Drops every idle container. */
  goCold(): void {
    this.#idle.clear();
  }

  aggregate(batch: Batch, onEnd: (ending: Ending<AggregateOutcome>) => void): void {
    const { settings } = this.#history;
    const subject = `${batch.shard} ${batch.records[0]?.sequenceNumber.slice(-6)}+${batch.records.length}`;
    const run: Run<AggregateOutcome> = (clients, { windows, deployment }, { hasTime }) => {
      const raw = settings.archiveRaw ? clients.raw : undefined;
      const ports = { ...clients, raw, windows, listener: SILENT };
      return aggregate(batch, ports, { ...settings, ...deployment }, hasTime);
    };
    this.#invoke('aggregator', subject, run, onEnd);
  }

  write(messages: readonly DeliveredMessage[], onEnd: (ending: Ending<WriteOutcome>) => void): void {
    const subject = messages.map(({ messageId }) => messageId).join(' ');
    const { writerConcurrency: concurrency } = this.#history.settings;
    const run: Run<WriteOutcome> = (clients, { deployment: { retentions } }, { random, hasTime }) =>
      writeRollups(messages, { ...clients, random }, { retentions, concurrency }, hasTime);
    this.#invoke('writer', subject, run, onEnd);
  }

  redrive(): void {
    this.#invoke('redriver', '', (clients, { deployment }, { hasTime }) =>
      redrive(clients, deployment, hasTime),
    );
  }

  /** Acts on a parked dead letter as an operator does, with the same faults. */
  operate(name: string, hand: (message: ParkedMessage, ports: OperatorPorts) => Promise<unknown>): void {
    this.#invoke('redriver', `operator ${name}`, async (clients) => {
      const message = await clients.parked.read(name);
      if (message !== undefined) await hand(message, clients);
    });
  }

  /** Deletes an entity's events that have arrived, repeating the command until it finishes, as an operator does. */
  deleteEntity(entity: string): void {
    const { oracle } = this.#history;
    const run: Run<unknown> = async (clients, { deployment }, { pause }) => {
      const retentions = retentionsKept(await clients.ledger.readWatermark(), deployment.retentions);
      oracle.deletionBegins(entity, clients.clock.nowMs());
      const ports = { ...clients, archive: clients.cleaner, pause };
      const options = { dryRun: false, archive: false };
      return deleteEntity(entity, ports, { retentions, patienceMs: 120_000 }, options);
    };
    this.#invoke('operator', `deletes ${entity}`, run, (ending) => {
      if ('failure' in ending) this.#history.later(AGAIN_MS, () => this.deleteEntity(entity));
      else oracle.deletionEnds(entity);
    });
  }

  /** Recounts everything while the pipeline runs, and reports the findings to the oracle. */
  recount(saved = nothingSaved()): void {
    const { oracle, settings } = this.#history;
    const unfinished = oracle.deletionsUnderWay();
    const run: Run<Findings> = (clients, { deployment }) =>
      recountAll(settings, clients, deployment.retentions, saved);
    this.#invoke('operator', 'recounts', run, (ending) => {
      if ('failure' in ending) this.#history.later(AGAIN_MS, () => this.recount(saved));
      else oracle.recounted(ending.result, unfinished);
    });
  }

  /** Moves the checkpoints forward and reads the status, as the accountant's handler does, while the pipeline runs. */
  account(onEnd: () => void): void {
    const run: Run<void> = async (clients, { deployment }, { hasTime }) => {
      await advanceCheckpoints(clients.ledger, hasTime);
      await this.watermark(clients, deployment);
      const status = await readStatus(clients.ledger);
      this.#history.oracle.check(() => checkHourEquations(status));
    };
    this.#invoke('accountant', '', run, onEnd);
  }

  /** Publishes `completeThrough` if it has moved. @returns the one in force, epoch milliseconds */
  async watermark({ ledger, log, clock }: Clients, deployment = this.deployment): Promise<number> {
    const { generation, retentions, rollup } = deployment;
    const { deltaRetentionMs } = this.#history.settings;
    const settings = { retentions, deltaRetentionMs, acceptFutureMs: rollup.acceptFutureMs };
    return (await advanceWatermark(ledger, log, generation, clock, settings)).throughMs;
  }

  /** Compacts what is due, while the pipeline runs. */
  compact(onEnd: (ending: Ending<CompactionReport>) => void): void {
    const { compaction } = this.#history.settings;
    const run: Run<CompactionReport> = (clients, { deployment }, { hasTime }) =>
      compact(clients, { ...compaction, ...deployment, ...deployment.rollup }, hasTime);
    this.#invoke('compactor', '', run, onEnd);
  }

  /** Answers a query about a counter, and reports the answer to the oracle. */
  ask(name: string, parameters: Readonly<Record<string, string>>): void {
    const [metric = '', entity = ''] = name.split('\n');
    const { oracle, settings } = this.#history;
    const { deltaRetentionMs } = settings;
    const subject = `${metric} of ${entity} by ${parameters['by']}`;
    this.#invoke('reader', subject, async (clients, { hints, deployment }) => {
      const query = parseCountQuery(metric, entity, parameters, clients.clock.nowMs());
      const options = { ...deployment.rollup, ...deployment, deltaRetentionMs };
      const [read] = await readCounts([query], { ...clients, hints }, options);
      if (read !== undefined && !(read instanceof InvalidQuery)) oracle.answered(read.answer);
    });
  }

  #invoke<T>(role: Role, subject: string, run: Run<T>, onEnd: (ending: Ending<T>) => void = () => {}): void {
    const { scheduler, trace, world } = this.#history;
    const container = this.#container(role);
    this.#invocations += 1;
    const name = `${role}-${this.#invocations}`;
    const invocation = new Invocation(this.#history, name, role, container.skewMs);
    trace.note(`${name} starts ${subject}`);
    this.#history.pending += 1;
    let running = true;
    let awaited = true;
    const stopped = () => {
      if (running) this.#history.pending -= 1;
      running = false;
    };
    const end = (ending: Ending<T>, keep: boolean) => {
      if (!awaited) return;
      awaited = false;
      if ('failure' in ending) this.lastFailure = `${name}: ${ending.failure}`;
      trace.note(`${name} ${'failure' in ending ? ending.failure : 'ends'}`);
      if (keep && container.deployment === this.#deploymentOf(role)) this.#idleOf(role).push(container);
      onEnd(ending);
    };
    const settled = (ending: Ending<T>, keep = true) => {
      stopped();
      end(ending, keep);
    };
    invocation.onCrash = () => settled({ failure: 'crashed' }, false);
    scheduler.at(invocation.deadlineMs, () => {
      if (!awaited) return;
      if (!invocation.zombie) {
        invocation.kill();
        stopped();
      }
      end({ failure: invocation.zombie ? 'timed out and goes on' : 'timed out' }, false);
    });
    scheduler.woke();
    run(world.clients(invocation, invocation, container.policy), container, invocation).then(
      (result) => settled({ result }),
      // The Node runtime survives a rejection: the container stays warm, and keeps its memory.
      (error: unknown) => settled({ failure: String(error) }),
    );
  }

  #container(role: Role): Container {
    const { settings, random } = this.#history;
    const idle = this.#idleOf(role);
    if (idle.length > 0 && !random.chance(0.1)) {
      const [container] = idle.splice(Math.floor(random.next() * idle.length), 1);
      if (container?.deployment === this.#deploymentOf(role)) return container;
    }
    this.#containers += 1;
    const skew = random.fork(`container-${this.#containers}`);
    return {
      deployment: this.#deploymentOf(role),
      windows: new DedupWindows(settings.idsMax),
      policy: this.#history.world.nothingRemembered(),
      hints: new Map(),
      // An operator's deletion covers what had arrived when the command began.
      skewMs: role === 'operator' ? 0 : skew.between(-settings.clockSkewMs, settings.clockSkewMs),
    };
  }

  #idleOf(role: Role): Container[] {
    return valueIn(this.#idle, role, () => []);
  }
}
