// The form each setting has by itself: its type, its range, the values it may take.
import type { Configuration } from './configuration.ts';

/** Says what a setting must be when `value` is not that. */
export type SettingForm = (value: unknown) => string | undefined;

/** CloudWatch Logs keeps logs for these numbers of days and no others. */
export const LOG_RETENTION_DAYS = [
  1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
];

/** The form of every setting; limits are those of the AWS service concerned unless a comment says otherwise. */
export const SETTING_FORMS: Readonly<Record<keyof Configuration, SettingForm>> = {
  // The stack's name, the parameter's path and the API's stage all take this.
  stage: text(/^[a-z][a-z0-9-]{0,15}$/, '1 to 16 lower-case letters, digits and hyphens, a letter first'),
  logLevel: oneOf('DEBUG', 'INFO', 'WARN', 'ERROR'),
  logRetentionDays: listed(LOG_RETENTION_DAYS),
  tracing: boolean,
  gatewayLogsRole: boolean,
  alarmEmail: text(/^$|^[^@\s]+@[^@\s]+$/, 'an e-mail address, or empty'),

  apiKeys: boolean,
  throttleRequestsPerSecond: integer(1, 1_000_000),
  throttleBurstRequests: integer(1, 1_000_000),
  keyRequestsPerSecond: integer(1, 1_000_000),
  keyBurstRequests: integer(1, 1_000_000),
  keyRequestsPerDay: integer(0, 2_147_483_647),
  webAcl: text(
    /^(off|rate-limit|arn:aws[a-z-]*:wafv2:[a-z0-9-]+:\d{12}:regional\/webacl\/[A-Za-z0-9_-]{1,128}\/[0-9a-f-]{36})$/,
    '"off", "rate-limit" or the ARN of a regional web ACL',
  ),
  webAclRequestsPerMinute: integer(10, 2_000_000_000),
  apiCacheGb: listed([0, 0.5, 1.6, 6.1, 13.5, 28.4, 58.2, 118, 237]),
  apiCacheSeconds: integer(1, 3600),
  publicMetrics: metrics,
  publicRequestsPerSecond: integer(1, 1_000_000),
  // It stands between quotes in header mappings and in templates.
  allowOrigin: text(/^(\*|https?:\/\/[A-Za-z0-9.:-]+)$/, '"*" or one origin such as "https://example.com"'),

  streamMode: oneOf('provisioned', 'on-demand'),
  streamShards: integer(1, 20_000),
  packBuckets: listed([16, 32, 64, 128, 256, 512, 1024]),
  streamRetentionHours: integer(24, 8760),
  streamGeneration: text(/^[A-Za-z0-9]{1,8}$/, '1 to 8 letters and digits'),

  aggregatorBatchSize: integer(1, 10_000),
  aggregatorWindowSeconds: integer(0, 300),
  aggregatorParallelization: integer(1, 10),
  // A function that works in steps keeps up to 20 seconds in reserve: with less than 30 it would never begin one.
  aggregatorTimeoutSeconds: integer(30, 900),
  aggregatorMemoryMb: integer(128, 10_240),

  bucketMinutes: listed([1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30, 60]),
  dedupWindowSeconds: integer(1, 604_800),
  // The canary's events bear the start of their minute, and may arrive three minutes after it.
  acceptPastSeconds: integerOrForever(180, 3_153_600_000),
  acceptFutureSeconds: integer(0, 3_153_600_000),

  queueRetentionDays: integer(1, 14),
  deadLetterRetentionDays: integer(1, 14),
  redriveHorizonDays: integer(0, 3650),
  queueVisibilitySeconds: integer(1, 43_200),
  queueReceivesMax: integer(1, 1000),

  writerBatchSize: integer(1, 10_000),
  writerWindowSeconds: integer(0, 300),
  writerConcurrency: integer(2, 1000),
  writerTimeoutSeconds: integer(30, 900),
  writerMemoryMb: integer(128, 10_240),

  retryAttempts: integer(1, 500),
  retryBackoffBaseSeconds: integer(1, 43_200),
  retryBackoffCapSeconds: integer(1, 43_200),
  retryBackoffJitter: number(0, 1),
  redrivePerSecond: integer(1, 10_000),
  redriveDelaySeconds: integer(0, 900),
  redriveDelayCapSeconds: integer(0, 900),
  redriveDelayGrowth: number(1, 10),
  redriveRounds: integer(1, 1000),
  redriverTimeoutSeconds: integer(30, 900),
  retryRereadSeconds: integer(1, 3600),

  // API Gateway waits 29 seconds for an integration.
  queryTimeoutSeconds: integer(1, 29),
  queryMemoryMb: integer(128, 10_240),
  accountantTimeoutSeconds: integer(30, 900),
  // More would let two runs meet every time; of less, nothing would be left beside its reserve for a portion of 10,000 items.
  compactorTimeoutSeconds: integer(60, 300),
  // What it holds at once takes some 330 MB.
  compactorMemoryMb: integer(512, 10_240),

  tableMode: oneOf('on-demand', 'provisioned'),
  counterReadUnits: integer(1, 40_000),
  counterWriteUnits: integer(1, 40_000),
  ledgerReadUnits: integer(1, 40_000),
  ledgerWriteUnits: integer(1, 40_000),
  topOpenHourIndex: boolean,
  counterRetentionDays: integerOrForever(1, 36_500),
  hourRetentionDays: integerOrForever(1, 36_500),
  dayRetentionDays: integerOrForever(1, 36_500),
  ledgerRetentionDays: integerOrForever(1, 36_500),
  archiveRetentionDays: integerOrForever(1, 36_500),
  archiveRawEvents: boolean,
  rawRetentionDays: integerOrForever(1, 36_500),

  iteratorAgeAlarmMinutes: integer(1, 10_000),
  queueAgeAlarmMinutes: integer(1, 10_000),
  freshnessAlarmSeconds: integer(1, 86_400),
};

/** A list of names that events may have as their metric. */
function metrics(value: unknown): string | undefined {
  const isList = Array.isArray(value) && value.length <= 50;
  if (isList && value.every((name) => typeof name === 'string' && /^[A-Za-z0-9_.-]{1,64}$/.test(name)))
    return undefined;
  return `a list of up to 50 metrics, each 1 to 64 of A-Z a-z 0-9 _ . -, not ${shown(value)}`;
}

function boolean(value: unknown): string | undefined {
  return typeof value === 'boolean' ? undefined : `true or false, not ${shown(value)}`;
}

function oneOf(...values: string[]): SettingForm {
  return (value) =>
    values.some((one) => one === value)
      ? undefined
      : `${values.map(shown).join(' or ')}, not ${shown(value)}`;
}

function text(pattern: RegExp, wanted: string): SettingForm {
  return (value) =>
    typeof value === 'string' && pattern.test(value) ? undefined : `${wanted}, not ${shown(value)}`;
}

function integer(least: number, most: number): SettingForm {
  return (value) => {
    if (typeof value !== 'number' || !Number.isInteger(value)) {
      return `a whole number from ${least} to ${most}, not ${shown(value)}`;
    }
    if (value < least) return `at least ${least}, not ${value}`;
    return value > most ? `at most ${most}, not ${value}` : undefined;
  };
}

function number(least: number, most: number): SettingForm {
  return (value) =>
    typeof value === 'number' && value >= least && value <= most
      ? undefined
      : `a number from ${least} to ${most}, not ${shown(value)}`;
}

function integerOrForever(least: number, most: number): SettingForm {
  const bounded = integer(least, most);
  return (value) => {
    if (value === 'forever') return undefined;
    return typeof value === 'number' ? bounded(value) : `a whole number or "forever", not ${shown(value)}`;
  };
}

/** One of the numbers listed; the error offers the smallest that is not below the value. */
function listed(values: readonly number[]): SettingForm {
  const ascending = values.toSorted((a, b) => a - b);
  return (value) => {
    if (typeof value === 'number' && ascending.includes(value)) return undefined;
    if (typeof value !== 'number') return `one of ${ascending.join(', ')}, not ${shown(value)}`;
    const nearest = ascending.find((one) => one >= value) ?? ascending.at(-1);
    return `${nearest} (of ${ascending.join(', ')}), not ${value}`;
  };
}

function shown(value: unknown): string {
  return value === undefined ? 'left out' : JSON.stringify(value);
}
