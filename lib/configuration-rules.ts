// Rules between settings, checked at synth: a stage that breaks one cannot deploy.
import type { Bounded, Configuration } from './configuration.ts';
import { checkDedupWindow } from './dedup-capacity.ts';
import { DAY_SECONDS } from './settings.ts';

/** A configuration that breaks a rule. Its message is one sentence: the setting, the nearest correct value, the reason. */
export class ConfigurationError extends Error {
  override readonly name = 'ConfigurationError';
}

const HOURS_PER_DAY = 24;

/** How long dead letters stay in their queue: SQS's maximum. */
export const DEAD_LETTER_RETENTION_DAYS = 14;

/** How long the ledger must remember a segment: as long as one of its records, messages or dead letters can turn up. */
function ledgerRetentionDaysMin(c: Configuration): number {
  // From a record's arrival until nothing derived from it can return.
  const days =
    c.streamRetentionHours / HOURS_PER_DAY +
    c.queueRetentionDays +
    DEAD_LETTER_RETENTION_DAYS +
    c.redriveHorizonDays;
  return 1 + Math.floor((c.dedupWindowSeconds + days * DAY_SECONDS) / DAY_SECONDS);
}

/** Maximum time for reading, rolling up and writing, including cold starts and the first retry. */
const PROCESSING_SECONDS = 20;

/** The writer's timeout. The queue hides a message for six times as long. */
export const WRITER_TIMEOUT_SECONDS = 30;

/** A generation that begins in the future would skip what arrives until then. */
function checkGenerationFrom({ streamGenerationFrom: from }: Configuration): string | undefined {
  if (from === 'heads') return undefined;
  const fromMs = Date.parse(from);
  // V8 reads 30 February as a day in March.
  if (Number.isNaN(fromMs) || new Date(fromMs).toISOString().slice(0, 10) !== from.slice(0, 10))
    return `streamGenerationFrom must be a day of the calendar, not ${from}.`;
  return fromMs <= Date.now()
    ? undefined
    : `streamGenerationFrom must be a time that has passed, not ${from}: what arrives until then would not be counted.`;
}

/** What is wrong with a configuration, in the order in which it is reported; undefined for each rule that is kept. */
function problemsOf(c: Configuration): readonly (string | undefined)[] {
  const atLeast = (setting: keyof Configuration, least: Bounded, because: string) => {
    const value = c[setting];
    if (value === 'forever' || (least !== 'forever' && Number(value) >= least)) return undefined;
    return `${setting} must be ${least === 'forever' ? '"forever"' : `at least ${least}`}: ${because}.`;
  };
  // The alarm goes off while the store still keeps its oldest record or message for long.
  const alarmInTime = (
    alarm: 'iteratorAgeAlarmMinutes' | 'queueAgeAlarmMinutes',
    retentionHours: number,
    store: string,
  ) => {
    const most = Math.floor((retentionHours * 60) / 4);
    if (c[alarm] <= most) return undefined;
    return `${alarm} must be at most ${most}: the alarm must leave three quarters of the ${store}'s retention for the repair.`;
  };
  const { acceptPastSeconds } = c;
  const ledgerDaysMin = ledgerRetentionDaysMin(c);
  const messageLife =
    'the sum of dedupWindowSeconds, streamRetentionHours, queueRetentionDays, the 14 days of dead letters and redriveHorizonDays';
  return [
    checkGenerationFrom(c),
    checkDedupWindow(c),
    atLeast(
      'streamRetentionHours',
      Math.floor(c.dedupWindowSeconds / 3600) + 1,
      `the stream must outlive the dedup window of ${c.dedupWindowSeconds} seconds`,
    ),
    // Later events still count in hours, days, months and the total.
    atLeast(
      'minuteRetentionDays',
      acceptPastSeconds === 'forever' ? 1 : 1 + Math.floor(acceptPastSeconds / DAY_SECONDS),
      'events up to acceptPastSeconds old are accepted, and need their minute',
    ),
    atLeast('hourRetentionDays', c.minuteRetentionDays, 'hours must outlive minutes (minuteRetentionDays)'),
    atLeast('dayRetentionDays', c.hourRetentionDays, 'days must outlive hours (hourRetentionDays)'),
    atLeast(
      'ledgerRetentionDays',
      ledgerDaysMin,
      `a segment and its ids must outlive its messages, which is ${messageLife}`,
    ),
    atLeast(
      'deltaRetentionDays',
      ledgerDaysMin,
      `a segment is compacted when its last part is, which may be parked: its other deltas must outlive that, ${messageLife}`,
    ),
    atLeast(
      'rawRetentionDays',
      c.archiveRawEvents ? 1 + Math.ceil(c.streamRetentionHours / HOURS_PER_DAY) : 1,
      `raw records must outlive the stream, which keeps them for streamRetentionHours (${c.streamRetentionHours})`,
    ),
    atLeast(
      'throttleRequestsPerSecond',
      c.apiKeys ? c.keyRequestsPerSecond : 1,
      'a single API key may use keyRequestsPerSecond',
    ),
    alarmInTime('iteratorAgeAlarmMinutes', c.streamRetentionHours, 'stream'),
    alarmInTime('queueAgeAlarmMinutes', c.queueRetentionDays * HOURS_PER_DAY, 'queue'),
    atLeast(
      'freshnessAlarmSeconds',
      c.aggregatorWindowSeconds + PROCESSING_SECONDS,
      `events are gathered for aggregatorWindowSeconds (${c.aggregatorWindowSeconds}) first, and reading, counting and a retry take ${PROCESSING_SECONDS} seconds`,
    ),
  ];
}

/** Checks the rules between settings. @throws ConfigurationError for the first broken rule */
export function checkRules(configuration: Configuration): void {
  const broken = problemsOf(configuration).find((problem) => problem !== undefined);
  if (broken !== undefined) throw new ConfigurationError(broken);
}
