// Every alarm of a stage: in groups by what they mean, and those that stand alone.
import type { Configuration } from '../configuration.ts';
import { reportedIn } from '../tally-metric.ts';
import type { Watched } from '../watched.ts';
import type { AlarmGroup, AlarmPlan } from './alarm-plan.ts';
import { atRisk } from './at-risk.ts';
import { late } from './late.ts';
import { tasks } from './tasks.ts';
import { turnedAway } from './turned-away.ts';
import { unwatched } from './unwatched.ts';
import { wrong } from './wrong.ts';

/** The groups, worst first; a group comes after the one that suppresses it. */
export function alarmGroups(c: Configuration, watched: Watched): AlarmGroup[] {
  const reported = reportedIn(c.stage);
  return [
    wrong(reported),
    atRisk(c, watched),
    turnedAway(watched, reported),
    late(c, watched, reported),
    unwatched(watched, reported),
  ];
}

/** Alarms in no group, which notify on their own. */
export function aloneAlarms(c: Configuration): AlarmPlan[] {
  return tasks(c, reportedIn(c.stage));
}
