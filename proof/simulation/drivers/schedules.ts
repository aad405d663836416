// The schedules: redrive, the accountant and the compactor, at their intervals, as long as there is work.
import type { CompactionReport } from '../../../lambdas/compactor/ports.ts';
import type { History } from '../history.ts';
import type { Role } from '../plan/faults.ts';
import type { Ending } from './functions.ts';

/** Runs the scheduled functions. */
export class Schedules {
  readonly #history: History;
  readonly #due = new Set<Role>();
  #accountedActivity = -1;
  #compactedActivity = -1;
  /** When an epoch was finished last. */
  #epochMs = 0;

  constructor(history: History) {
    this.#history = history;
    history.world.deadLetters.onArrival = () => this.redriveSoon();
  }

  /** Redrives at the next full interval. */
  redriveSoon(): void {
    this.#plan('redriver', this.#history.settings.redriverEveryMs, () => {
      if (this.#history.world.deadLetters.size === 0) return;
      this.#history.functions.redrive();
      this.redriveSoon();
    });
  }

  /** Moves the checkpoints forward at the next full interval, if anything happened by then. */
  accountSoon(): void {
    this.#plan('accountant', this.#history.settings.accountantEveryMs, () => {
      if (this.#history.activity === this.#accountedActivity) return;
      this.#history.functions.account(() => {
        this.#accountedActivity = this.#history.activity;
      });
      this.accountSoon();
    });
  }

  /** Compacts at the next full interval, if anything happened by then or was left; sometimes twice at once. */
  compactSoon(): void {
    this.#plan('compactor', this.#history.settings.compactorEveryMs, () => {
      const { functions, random, scheduler, settings } = this.#history;
      if (this.#history.activity === this.#compactedActivity) return;
      const ended = (ending: Ending<CompactionReport>) => {
        const nowMs = scheduler.nowMs();
        const hasRun = 'result' in ending && Object.values(ending.result.epochs).some((epochs) => epochs > 0);
        if (hasRun) this.#epochMs = nowMs;
        // An epoch is due only some time after the one before.
        else if (!('result' in ending) || nowMs - this.#epochMs > settings.compaction.cadence.hoursMs)
          this.#compactedActivity = this.#history.activity;
      };
      functions.compact(ended);
      if (random.chance(0.3)) scheduler.in(random.between(0, 100), () => functions.compact(ended));
      this.compactSoon();
    });
  }

  #plan(role: Role, everyMs: number, run: () => void): void {
    if (this.#due.has(role)) return;
    this.#due.add(role);
    const { scheduler, faults } = this.#history;
    const nextMs = (Math.floor(scheduler.nowMs() / everyMs) + 1) * everyMs;
    const start = () => {
      const pausedMs = faults.pausedUntilMs(role);
      if (pausedMs > scheduler.nowMs()) {
        scheduler.at(pausedMs, start);
        return;
      }
      this.#due.delete(role);
      run();
    };
    scheduler.at(nextMs, start);
  }
}
