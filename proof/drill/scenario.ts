// What a scenario of the drill is, and what it may do on the stage.
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

/** A scenario's hands and voice. */
export interface Stage {
  readonly drill: Drill;
  /** Says what happens. */
  say(text: string): void;
  /** Shows the first lines that a command printed. */
  shows(text: string, linesMax: number): void;
  /** Something breaks: what is shown from here on is "during". */
  breaks(text: string): void;
  /** Lets minutes pass. */
  minutes(count: number, options?: MinuteOptions): Promise<void>;
  /** Lets minutes pass until an alarm is on, at most so many. @throws when it does not come */
  untilAlarm(name: string, minutesMax: number, options?: MinuteOptions): Promise<void>;
  /**
   * The operator acts.
   * @param section heading of the runbook that says so
   * @param commands what is typed on AWS
   * @param act the same on the local stack
   * @returns what the act said
   */
  operator<T>(section: string, commands: readonly string[], act: () => Promise<T> | T): Promise<T>;
}
