// A scenario of the drill, and what it may do.
import type { Drill, MinuteOptions } from './drill.ts';

/** A scenario: something breaks, alarms go off, an operator acts by the runbook, and counts are right. */
export interface Scenario {
  /** For `--only`. */
  readonly name: string;
  readonly title: string;
  /** Alarms that must go off, by the names that operators read. */
  readonly fires: readonly string[];
  /** Alarms that may go off as well, with the reason. */
  readonly mayFire?: Readonly<Record<string, string>>;
  play(stage: Stage): Promise<void>;
}

/** What a scenario can do. */
export interface Stage {
  readonly drill: Drill;
  /** Prints what happens. */
  say(text: string): void;
  /** Marks the moment when something breaks: output from here on is "during". */
  breaks(text: string): void;
  /** Lets minutes pass. */
  minutes(count: number, options?: MinuteOptions): Promise<void>;
  /** Lets minutes pass until an alarm is on. @throws when it does not go off within the given minutes */
  untilAlarm(name: string, minutesMax: number, options?: MinuteOptions): Promise<void>;
  /**
   * The operator acts.
   * @param section heading of the runbook that says so
   * @param command what an operator types on AWS
   * @param act the same on the local stack
   * @returns the output of `act`
   */
  operator<T>(section: string, command: string, act: () => Promise<T> | T): Promise<T>;
  /** The operator runs `npx tally …`, and the first lines of its output are shown. @returns the output */
  operatorRuns(section: string, args: readonly string[]): Promise<string>;
}
