// Judges a scenario: which alarms went off, which should have, and how far the counts are from what was sent.
import type { CompositeAlarm, MetricAlarm } from '../../local/alarms/template-alarms.ts';
import type { Status } from '../../local/status.ts';
import type { Comparison } from './oracle.ts';
import type { Scenario } from './scenarios.ts';

type Judged = Pick<MetricAlarm | CompositeAlarm, 'name' | 'kind'>;

/**
 * Problems with a scenario's alarms; empty if there are none. Composite alarms follow the others, so scenarios do not name them.
 * @param fired every alarm that went off; `on`: those that are on in the end
 */
export function judgeAlarms(
  { fires, mayFire = {} }: Pick<Scenario, 'fires' | 'mayFire'>,
  fired: readonly Judged[],
  on: readonly Judged[],
): string[] {
  const failures = fires
    .filter((name) => !fired.some((alarm) => alarm.name === name))
    .map((name) => `${name} did not go off`);
  for (const { name, kind } of fired) {
    const meant = kind === 'composite' || fires.includes(name) || Object.hasOwn(mayFire, name);
    if (!meant) failures.push(`${name} went off, and should not have`);
  }
  if (on.length > 0) failures.push(`alarms are still on: ${on.map(({ name }) => name).join(', ')}`);
  return failures;
}

/** What was sent, and where it is now. */
export interface Outcome {
  readonly comparison: Comparison;
  readonly status: Status;
  /** Events that were accepted, the canary's among them. */
  readonly expected: number;
  /** Requests that were never accepted. */
  readonly waiting: number;
}

/** Problems with the counts; empty if every count equals what was sent, and every event is in one place. */
export function judgeCounts({ comparison, status, expected, waiting }: Outcome): string[] {
  const failures = comparison.differences.map(
    ({ entity, at, sent, counted }) => `${entity} ${at}: sent ${sent}, counted ${counted}`,
  );
  const { received, duplicate, rejected, counted, inFlight, dead, parked, expired, lost } = status;
  const elsewhere = rejected + inFlight + dead + parked + expired + lost;
  const difference = received - (duplicate + counted + elsewhere);
  if (difference !== 0) failures.push(`the status does not add up: ${difference} events too many or too few`);
  if (elsewhere !== 0) failures.push(`${elsewhere} events are not counted`);
  const missing = expected - (received - duplicate);
  if (missing !== 0) failures.push(`accepted and received differ by ${missing} events`);
  if (waiting > 0) failures.push(`${waiting} requests were never accepted`);
  return failures;
}
