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
import { TIMEOUT_MS } from '../plan/settings.ts';
import type { RememberedPolicy } from '../world/world.ts';
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

/** Time that the aggregator's handler reserves before it starts another segment. */
const SEGMENT_RESERVE_MS = 15_000;
/** Time that the writer's handler reserves for acknowledgements. */
const REPORT_RESERVE_MS = 15_000;
/** Time that the handlers of scheduled functions reserve. */
const RESERVE_MS = { redriver: 15_000, accountant: 20_000, compactor: 30_000 };

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
    this.#invoke('aggregator', subject, onEnd, (invocation, { windows, deployment }) => {
      const clients = this.#clients(invocation);
      const raw = settings.archiveRaw ? clients.raw : undefined;
      const { archive: rejected, state: ranges } = clients;
      const ports = { ...clients, rejected, ranges, raw, windows, clock: invocation, listener: SILENT };
      return aggregate(batch, ports, { ...settings, ...deployment }, () =>
        invocation.hasTime(SEGMENT_RESERVE_MS),
      );
    });
  }

  write(messages: readonly DeliveredMessage[], onEnd: (ending: Ending<WriteOutcome>) => void): void {
    const subject = messages.map(({ messageId }) => messageId).join(' ');
    this.#invoke('writer', subject, onEnd, (invocation, { policy, deployment: { retentions } }) => {
      const clients = this.#clients(invocation, policy);
      const { store: deltas, archive: expired } = clients;
      const ports = { ...clients, deltas, expired, clock: invocation, random: invocation.random };
      const { writerConcurrency: concurrency } = this.#history.settings;
      return writeRollups(messages, ports, { retentions, concurrency }, () =>
        invocation.hasTime(REPORT_RESERVE_MS),
      );
    });
  }

  redrive(onEnd: (ending: Ending<unknown>) => void): void {
    this.#invoke('redriver', '', onEnd, (invocation, { policy, deployment: { retentions } }) => {
      const clients = this.#clients(invocation, policy);
      const tables = this.#history.world.tables(invocation);
      const { archive: expired, store: deltas } = clients;
      const ports = { ...clients, expired, deltas, tables, clock: invocation };
      return redrive(ports, { retentions }, () => invocation.hasTime(RESERVE_MS.redriver));
    });
  }

  /** Acts on a parked dead letter as an operator does, with the same faults. */
  operate(name: string, hand: (message: ParkedMessage, ports: OperatorPorts) => Promise<unknown>): void {
    const ended = () => {};
    this.#invoke('redriver', `operator ${name}`, ended, async (invocation) => {
      const clients = this.#clients(invocation);
      const { archive: parked, store: deltas } = clients;
      const message = await parked.read(name);
      if (message !== undefined) await hand(message, { ...clients, parked, deltas, clock: invocation });
    });
  }

  /** Deletes an entity's events that have arrived, repeating the command until it finishes, as an operator does. */
  deleteEntity(entity: string): void {
    const { oracle } = this.#history;
    const again = () => this.#later(() => this.deleteEntity(entity));
    const ended = (ending: Ending<unknown>) => ('failure' in ending ? again() : oracle.deletionEnds(entity));
    this.#invoke('operator', `deletes ${entity}`, ended, async (invocation, { deployment }) => {
      const clients = this.#clients(invocation);
      const { cleaner: archive } = clients;
      const retentions = retentionsKept(await clients.ledger.readWatermark(), deployment.retentions);
      oracle.deletionBegins(entity, invocation.nowMs());
      const pause = (ms: number) => invocation.pause(ms);
      const ports = { ...clients, archive, clock: invocation, pause };
      const options = { dryRun: false, archive: false };
      return deleteEntity(entity, ports, { retentions, patienceMs: 120_000 }, options);
    });
  }

  /** Recounts everything while the pipeline runs, and reports the findings to the oracle. */
  recount(saved = nothingSaved()): void {
    const { oracle } = this.#history;
    const unfinished = oracle.deletionsUnderWay();
    const ended = (ending: Ending<Findings>) => {
      if ('failure' in ending) this.#later(() => this.recount(saved));
      else oracle.recounted(ending.result, unfinished);
    };
    this.#invoke('operator', 'recounts', ended, (invocation, { deployment }) =>
      recountAll(this.#history, invocation, invocation, deployment, saved),
    );
  }

  /** Runs in a minute; until then it counts as pending. */
  #later(run: () => void): void {
    const { context, scheduler } = this.#history;
    context.pending += 1;
    scheduler.in(60_000, () => {
      context.pending -= 1;
      run();
    });
  }

  /** Moves the checkpoints forward and reads the status, as the accountant's handler does, while the pipeline runs. */
  account(onEnd: (ending: Ending<unknown>) => void): void {
    const { oracle } = this.#history;
    this.#invoke('accountant', '', onEnd, async (invocation, { deployment }) => {
      const { generation, retentions, rollup } = deployment;
      const { acceptFutureMs } = rollup;
      const { deltaRetentionMs } = this.#history.settings;
      const { ledger, log } = this.#clients(invocation);
      await advanceCheckpoints(ledger, () => invocation.hasTime(RESERVE_MS.accountant));
      await advanceWatermark(ledger, log, generation, invocation, {
        retentions,
        deltaRetentionMs,
        acceptFutureMs,
      });
      const status = await readStatus(ledger);
      oracle.check(() => checkHourEquations(status));
    });
  }

  /** Compacts what is due, while the pipeline runs. */
  compact(onEnd: (ending: Ending<CompactionReport>) => void): void {
    const { compaction } = this.#history.settings;
    this.#invoke('compactor', '', onEnd, (invocation, { deployment }) => {
      const clients = this.#clients(invocation);
      const ports = { ...clients, stream: clients.log, clock: invocation };
      return compact(ports, { ...compaction, ...deployment, ...deployment.rollup }, () =>
        invocation.hasTime(RESERVE_MS.compactor),
      );
    });
  }

  /** Answers a query about a counter, and reports the answer to the oracle. */
  ask(name: string, parameters: Readonly<Record<string, string>>): void {
    const [metric = '', entity = ''] = name.split('\n');
    const subject = `${metric} of ${entity} by ${parameters['by']}`;
    const ended = () => {};
    this.#invoke('reader', subject, ended, async (invocation, { hints, deployment }) => {
      const { ledger: watermarks, state, store: counts } = this.#clients(invocation);
      const query = parseCountQuery(metric, entity, parameters, invocation.nowMs());
      const ports = { watermarks, state, counts, hints, clock: invocation };
      const { deltaRetentionMs } = this.#history.settings;
      const settings = { ...deployment.rollup, ...deployment, deltaRetentionMs };
      const [read] = await readCounts([query], ports, settings);
      if (read !== undefined && !(read instanceof InvalidQuery)) this.#history.oracle.answered(read.answer);
    });
  }

  #clients(invocation: Invocation, policy?: RememberedPolicy) {
    return this.#history.world.clients(invocation, invocation, policy);
  }

  #invoke<T>(
    role: Role,
    subject: string,
    onEnd: (ending: Ending<T>) => void,
    run: (invocation: Invocation, container: Container) => Promise<T>,
  ): void {
    const { scheduler, context, random } = this.#history;
    const container = this.#container(role);
    this.#invocations += 1;
    const name = `${role}-${this.#invocations}`;
    const timeoutMs = TIMEOUT_MS[role];
    const invocation = new Invocation(context, {
      name,
      role,
      timeoutMs,
      skewMs: container.skewMs,
      random: random.fork(name),
    });
    context.trace.note(scheduler.nowMs(), `${name} starts ${subject}`);
    context.pending += 1;
    let running = true;
    let awaited = true;
    const stopped = () => {
      if (running) context.pending -= 1;
      running = false;
    };
    const end = (ending: Ending<T>, keep: boolean) => {
      if (!awaited) return;
      awaited = false;
      const failure = 'failure' in ending ? ending.failure : undefined;
      if (failure !== undefined) this.lastFailure = `${name}: ${failure}`;
      context.trace.note(scheduler.nowMs(), `${name} ${failure ?? 'ends'}`);
      if (keep && container.deployment === this.#deploymentOf(role)) this.#idleOf(role).push(container);
      onEnd(ending);
    };
    invocation.onCrash = () => {
      stopped();
      end({ failure: 'crashed' }, false);
    };
    scheduler.at(invocation.deadlineMs, () => {
      if (!awaited) return;
      if (!invocation.zombie) {
        invocation.kill();
        stopped();
      }
      end({ failure: invocation.zombie ? 'timed out and goes on' : 'timed out' }, false);
    });
    scheduler.woke();
    run(invocation, container).then(
      (result) => {
        stopped();
        end({ result }, true);
      },
      (error: unknown) => {
        stopped();
        // The Node runtime survives a rejection: the container stays warm, and keeps its memory.
        end({ failure: String(error) }, true);
      },
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
    const idle = this.#idle.get(role) ?? [];
    this.#idle.set(role, idle);
    return idle;
  }
}
