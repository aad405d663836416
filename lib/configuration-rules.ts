// The rules a configuration keeps, checked at synth: a stage that breaks one does not deploy.
import type { Configuration } from './configuration.ts';
import { checkDedupWindow } from './dedup-room.ts';
import type { Bounded } from './settings.ts';

/** A configuration that breaks a rule. Its message is one sentence: the setting, the nearest correct value, the reason. */
export class ConfigurationError extends Error {
  override readonly name = 'ConfigurationError';
}

/** One rule between settings. */
interface Rule {
  /** Which settings it ties together, for the reader and the tests. */
  readonly about: string;
  /** What is wrong with the configuration, if anything is. */
  check(c: Configuration): string | undefined;
}

const DAY_SECONDS = 86_400;
const HOURS_PER_DAY = 24;

/** Minutes are kept for every event that may arrive: one that comes later still counts in hours, days, months and the total. */
export function minuteRetentionDaysMin({ acceptPastSeconds }: Configuration): Bounded {
  return acceptPastSeconds === 'forever' ? 1 : 1 + Math.floor(acceptPastSeconds / DAY_SECONDS);
}

/** How long dead letters wait in their queue: the longest that SQS keeps anything. */
export const DEAD_LETTER_RETENTION_DAYS = 14;

/** Longest the ledger must remember a segment: as long as a record, a message or a dead letter of it can turn up. */
export function ledgerRetentionDaysMin(c: Configuration): number {
  return 1 + Math.floor((c.dedupWindowSeconds + messageLifeSeconds(c)) / DAY_SECONDS);
}

/** From a record's arrival until nothing made of it can come back. */
function messageLifeSeconds(c: Configuration): number {
  const days =
    c.streamRetentionHours / HOURS_PER_DAY +
    c.queueRetentionDays +
    DEAD_LETTER_RETENTION_DAYS +
    c.redriveHorizonDays;
  return days * DAY_SECONDS;
}

/** What reading, rolling up, writing, a cold start of each and the first retry may take. */
const PROCESSING_SECONDS = 20;

/** The least that the freshness alarm may allow: below it, it would go off while nothing is wrong. */
function freshnessAlarmSecondsMin(c: Configuration): number {
  return c.aggregatorWindowSeconds + PROCESSING_SECONDS;
}

/** Time-out of the writer. The queue hides a message for six times as long. */
export const WRITER_TIMEOUT_SECONDS = 30;

/** Time-out of the aggregator. A cold container reads its dedup window within half of it. */
export const AGGREGATOR_TIMEOUT_SECONDS = 60;

/** Records that Lambda hands to one invocation at most. */
export const AGGREGATOR_BATCH_RECORDS = 10_000;

/** A rule that asks one setting to be at least something made of others. */
function atLeast(
  setting: keyof Configuration,
  minimum: (c: Configuration) => Bounded,
  because: (c: Configuration) => string,
): Rule {
  return {
    about: setting,
    check(c) {
      const value = c[setting];
      const least = minimum(c);
      if (value === 'forever' || (least !== 'forever' && Number(value) >= least)) return undefined;
      const correct = least === 'forever' ? `"forever"` : String(least);
      return `${setting} must be ${least === 'forever' ? correct : `at least ${correct}`}: ${because(c)}.`;
    },
  };
}

/** A generation that begins later would skip what arrives until then. */
function checkGenerationFrom({ streamGenerationFrom: from }: Configuration): string | undefined {
  if (from === 'heads') return undefined;
  const fromMs = Date.parse(from);
  // V8 takes 30 February for a day of March.
  if (new Date(fromMs).toISOString().slice(0, 10) !== from.slice(0, 10))
    return `streamGenerationFrom must be a day of the calendar, not ${from}.`;
  return fromMs <= Date.now()
    ? undefined
    : `streamGenerationFrom must be a time that has passed, not ${from}: what arrives until then would not be counted.`;
}

const RULES: readonly Rule[] = [
  { about: 'streamGenerationFrom', check: checkGenerationFrom },
  {
    about: 'dedupWindowSeconds, dedupEventsPerSecond, streamShards, aggregatorMemoryMb',
    check: checkDedupWindow,
  },
  atLeast(
    'streamRetentionHours',
    (c) => Math.floor(c.dedupWindowSeconds / 3600) + 1,
    (c) => `the stream must outlive the dedup window of ${c.dedupWindowSeconds} seconds`,
  ),
  atLeast(
    'minuteRetentionDays',
    minuteRetentionDaysMin,
    () => 'events up to acceptPastSeconds old are accepted, and need their minute',
  ),
  atLeast(
    'hourRetentionDays',
    ({ minuteRetentionDays }) => minuteRetentionDays,
    () => 'hours must outlive minutes (minuteRetentionDays)',
  ),
  atLeast(
    'dayRetentionDays',
    ({ hourRetentionDays }) => hourRetentionDays,
    () => 'days must outlive hours (hourRetentionDays)',
  ),
  atLeast(
    'ledgerRetentionDays',
    ledgerRetentionDaysMin,
    () =>
      'a segment and its ids must outlive its messages, which is the sum of dedupWindowSeconds, streamRetentionHours, queueRetentionDays, the 14 days of dead letters and redriveHorizonDays',
  ),
  atLeast(
    'deltaRetentionDays',
    ledgerRetentionDaysMin,
    () =>
      'a segment is compacted when its last part is, which may be parked: its other deltas must outlive that, the sum of dedupWindowSeconds, streamRetentionHours, queueRetentionDays, the 14 days of dead letters and redriveHorizonDays',
  ),
  atLeast(
    'rawRetentionDays',
    (c) => (c.archiveRawEvents ? 1 + Math.ceil(c.streamRetentionHours / HOURS_PER_DAY) : 1),
    (c) =>
      `raw records must outlive the stream, which keeps them for streamRetentionHours (${c.streamRetentionHours})`,
  ),
  atLeast(
    'throttleRequestsPerSecond',
    (c) => (c.apiKeys ? c.keyRequestsPerSecond : 1),
    () => 'a single API key may use keyRequestsPerSecond',
  ),
  {
    about: 'webAclRequestsPerMinute, throttleRequestsPerSecond',
    check: (c) => {
      const most = c.throttleRequestsPerSecond * 60;
      return c.webAcl !== 'rate-limit' || c.webAclRequestsPerMinute <= most
        ? undefined
        : `webAclRequestsPerMinute must be at most ${most}: above that, one address could use all of throttleRequestsPerSecond.`;
    },
  },
  {
    about: 'iteratorAgeAlarmMinutes, streamRetentionHours',
    check: (c) => {
      const most = Math.floor((c.streamRetentionHours * 60) / 4);
      return c.iteratorAgeAlarmMinutes <= most
        ? undefined
        : `iteratorAgeAlarmMinutes must be at most ${most}: the alarm must leave three quarters of the stream's retention for the repair.`;
    },
  },
  {
    about: 'queueAgeAlarmMinutes, queueRetentionDays',
    check: (c) => {
      const most = Math.floor((c.queueRetentionDays * 24 * 60) / 4);
      return c.queueAgeAlarmMinutes <= most
        ? undefined
        : `queueAgeAlarmMinutes must be at most ${most}: the alarm must leave three quarters of the queue's retention for the repair.`;
    },
  },
  atLeast(
    'freshnessAlarmSeconds',
    freshnessAlarmSecondsMin,
    (c) =>
      `events are gathered for aggregatorWindowSeconds (${c.aggregatorWindowSeconds}) first, and reading, counting and a retry take ${PROCESSING_SECONDS} seconds`,
  ),
];

/** Checks the rules between settings. @throws ConfigurationError for the first one that is broken */
export function checkRules(configuration: Configuration): void {
  for (const rule of RULES) {
    const broken = rule.check(configuration);
    if (broken !== undefined) throw new ConfigurationError(broken);
  }
}
