// A history: a world, its drivers and its oracle, built from a plan.

import { Oracle } from '../oracle/oracle.ts';
import { Functions } from './drivers/functions.ts';
import { QueueMapping } from './drivers/queue-mapping.ts';
import { Schedules } from './drivers/schedules.ts';
import { StreamMapping } from './drivers/stream-mapping.ts';
import { FaultController } from './fault-controller.ts';
import type { HistoryPlan } from './plan/history-plan.ts';
import type { Settings } from './plan/settings.ts';
import { Random } from './random.ts';
import { Scheduler } from './scheduler.ts';
import { Trace } from './trace.ts';
import { World } from './world/world.ts';

/** Everything in a history. */
export class History {
  readonly plan: HistoryPlan;
  readonly settings: Settings;
  readonly random: Random;
  readonly scheduler: Scheduler;
  readonly faults = new FaultController();
  readonly trace: Trace;
  readonly oracle: Oracle;
  readonly world: World;
  readonly functions: Functions;
  readonly streamMapping: StreamMapping;
  readonly queueMapping: QueueMapping;
  readonly schedules: Schedules;
  /** Requests on their way and running invocations, including requests of dead ones. */
  pending = 0;
  /** Increases with every request, to notice activity. */
  activity = 0;

  /** @param keepLines whether the trace is wanted as text */
  constructor(plan: HistoryPlan, keepLines = false) {
    this.plan = plan;
    this.settings = plan.settings;
    this.random = new Random(`run/${plan.seed}`);
    this.scheduler = new Scheduler(plan.settings.startMs - 60_000);
    this.trace = new Trace(this.scheduler, plan.settings.startMs, keepLines);
    const { dedupWindowLeastMs, shortLog, archiveRaw } = this.settings;
    this.oracle = new Oracle(dedupWindowLeastMs, shortLog, archiveRaw);
    this.world = new World({
      ...plan.settings,
      clock: this.scheduler,
      random: this.random.fork('world'),
      oracle: this.oracle,
      accepted: (entries) => this.faults.accepted(entries),
    });
    this.functions = new Functions(this);
    this.streamMapping = new StreamMapping(this);
    this.queueMapping = new QueueMapping(this);
    this.schedules = new Schedules(this);
  }

  /** Runs something after a delay; until then it counts as pending. */
  later(delayMs: number, run: () => void): void {
    this.pending += 1;
    this.scheduler.in(delayMs, () => {
      this.pending -= 1;
      run();
    });
  }
}
