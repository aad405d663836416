// Every setting of a stage, declared once: type, default, bounds, documentation and error sentence.
import { z } from 'zod';
import { accessLogs } from './access-logs.ts';
import { choice, flag, integer, listed, metricName, orForever, text } from './setting-kinds.ts';

/** CloudWatch Logs accepts only these numbers of days. */
const LOG_RETENTION_DAYS = [
  1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
];
const HASH_SLOTS = [1, 2, 4, 8, 16, 32, 64, 128, 256];
export const DAY_SECONDS = 86_400;
const CENTURY_SECONDS = 36_500 * DAY_SECONDS;
export const MEMORY_MB_MAX = 10_240;

/**
 * Bounds are those of the AWS service unless a comment says otherwise. Rules between settings are in
 * configuration-rules.ts. docs/settings.md is generated from this table.
 */
export const SETTINGS = {
  logLevel: choice('DEBUG', 'INFO', 'WARN', 'ERROR')
    .default('INFO')
    .describe('Lowest level that functions log.'),
  logRetentionDays: listed(LOG_RETENTION_DAYS).default(30).describe('How long logs are kept.'),
  tracing: flag()
    .default(false)
    .describe('X-Ray traces of the functions and the front door. Each trace costs.'),
  gatewayLogsRole: flag()
    .default(true)
    .describe(
      'Whether the stack sets the role with which API Gateway writes logs. The role belongs to the account and region: set it to false if another stack owns it.',
    ),
  alarmEmail: text(/^$|^[^@\s]+@[^@\s]+$/, 'an e-mail address, or empty')
    .default('')
    .describe('Address that receives alarms. Empty: alarms go to the topic only.'),

  apiKeys: flag()
    .default(true)
    .describe("Whether clients need an API key. A browser's `sendBeacon` cannot send one."),
  throttleRequestsPerSecond: integer(1, 1_000_000)
    .default(2000)
    .describe('Requests a second that the front door accepts in all. The burst is twice that.'),
  keyRequestsPerSecond: integer(1, 1_000_000)
    .default(500)
    .describe('Requests a second of one API key. The burst is twice that.'),
  keyRequestsPerDay: integer(0, 2_147_483_647)
    .default(0)
    .describe('Requests a day of one API key. 0: no quota.'),
  webAcl: text(
    /^(off|arn:aws[a-z-]*:wafv2:[a-z0-9-]+:\d{12}:regional\/webacl\/[A-Za-z0-9_-]{1,128}\/[0-9a-f-]{36})$/,
    '"off" or the ARN of a regional web ACL',
  )
    .default('off')
    .describe('The web ACL in front of the API: `off`, or the ARN of your own (docs/security.md).'),
  publicMetrics: z
    .array(metricName(), 'a list of metrics')
    .refine(({ length }) => length <= 50, 'at most 50 metrics')
    .default([])
    .describe('Metrics whose totals anyone may read at `/v1/public/`, without an API key.'),
  publicRequestsPerSecond: integer(1, 1_000_000)
    .default(100)
    .describe('Requests a second that `/v1/public/` accepts in all. The burst is twice that.'),
  // It is inserted between quotes in header mappings and templates.
  allowOrigin: text(/^(\*|https?:\/\/[A-Za-z0-9.:-]+)$/, '"*" or one origin such as "https://example.com"')
    .default('*')
    .describe('Origin whose pages may call the API from a browser. `*`: any.'),

  streamMode: choice('provisioned', 'on-demand').default('provisioned').describe('Capacity of the stream.'),
  streamShards: integer(1, 20_000)
    .default(1)
    .describe(
      'Number of shards. Each takes 1,000 records and 1 MB a second. With on-demand capacity: the number planned for.',
    ),
  streamRetentionHours: integer(24, 8760)
    .default(168)
    .describe('How long records can be read again. It is the time you have to repair an outage.'),
  streamGeneration: text(/^[A-Za-z0-9]{1,8}$/, '1 to 8 letters and digits')
    .default('1')
    .describe('Part of every segment id. Change it when the stream is replaced or the ledger is restored.'),
  streamGenerationFrom: text(
    /^(heads|\d{4}-(0\d|1[0-2])-([0-2]\d|3[01])T([01]\d|2[0-3]):[0-5]\d(:[0-5]\d)?Z)$/,
    '"heads" or a time of UTC such as "2026-11-29T10:00Z"',
  )
    .default('heads')
    .describe(
      'Where a new generation begins in every shard: `heads`, after what the ledger has of it; or, for a ledger that does not know, the time of arrival of the first record. Used once, when the generation starts.',
    ),

  aggregatorWindowSeconds: integer(0, 300)
    .default(5)
    .describe('How long records are gathered before they are counted. Longer costs less.'),
  aggregatorMemoryMb: integer(128, MEMORY_MB_MAX).default(1024).describe('Memory of the aggregator.'),
  dedupWindowSeconds: integer(1, DAY_SECONDS)
    .default(3600)
    .describe('For how long a repeated event id is recognised.'),
  dedupEventsPerSecond: integer(1, 10_000_000)
    .default(1000)
    .describe(
      'Events with ids a second, over all shards, that the dedup window has room for: the mean over a window. What does not fit memory or a cold start is refused.',
    ),
  // The canary's events have the start of their minute as their time, and may arrive three minutes after it.
  acceptPastSeconds: orForever(180, CENTURY_SECONDS)
    .default(7 * DAY_SECONDS)
    .describe("How far an event's time may lie before its arrival."),
  acceptFutureSeconds: integer(0, CENTURY_SECONDS)
    .default(600)
    .describe("How far an event's time may lie after its arrival."),

  accessLogs: accessLogs
    .default([])
    .describe(
      'Buckets of access logs to count, each with `bucket`, and perhaps `prefix`, `format`, `metric`, `filter`, `entity`, `logFormat` and `kmsKeyArn`. See docs/importing.md.',
    ),

  // Dead letters keep their original enqueue time, and SQS's maximum retention is 14 days.
  queueRetentionDays: integer(1, 13)
    .default(4)
    .describe('How long rollup messages wait in the queue. Lower it only while the queue is empty.'),
  redriveHorizonDays: integer(0, 3650)
    .default(14)
    .describe('How long after that a parked message may be replayed.'),

  writerConcurrency: integer(2, 1000)
    .default(5)
    .describe('Writers running at once at most. A new AWS account runs only 10 functions at once.'),

  hashSlots: listed(HASH_SLOTS)
    .default(16)
    .describe(
      'Into how many hash slots counters are divided: 16 for one shard, 64 for 1,000 events a second and more.',
    ),
  compactionSeconds: integer(60, 3600)
    .multipleOf(60, 'a multiple of 60')
    .default(300)
    .describe('How often deltas are merged into blocks. More often makes reads cheaper and writes dearer.'),
  deltaRetentionDays: integer(7, 36_500)
    .default(60)
    .describe('How long deltas are kept. Compaction must catch up within that time.'),
  queryMemoryMb: integer(128, MEMORY_MB_MAX).default(512).describe('Memory of the query function.'),
  // One full vCPU: with less, the same work takes longer at the same price. Its working set is 330 MB.
  compactorMemoryMb: integer(512, MEMORY_MB_MAX).default(1769).describe('Memory of the compactor.'),

  minuteRetentionDays: orForever(1, 36_500).default('forever').describe('How long minutes are kept.'),
  hourRetentionDays: orForever(1, 36_500).default('forever').describe('How long hours are kept.'),
  dayRetentionDays: orForever(1, 36_500)
    .default('forever')
    .describe('How long days are kept. Months and totals are kept forever.'),
  ledgerRetentionDays: orForever(1, 36_500)
    .default(60)
    .describe('How long segments and their event ids are kept.'),
  archiveRetentionDays: orForever(1, 36_500)
    .default('forever')
    .describe('How long rejected events and expired rows stay in the archive.'),
  archiveRawEvents: flag()
    .default(false)
    .describe(
      'Whether the archive keeps every record as it was sent. `recount` can then go back further than the stream.',
    ),
  rawRetentionDays: orForever(1, 36_500).default(90).describe('How long raw records stay in the archive.'),

  iteratorAgeAlarmMinutes: integer(1, 10_000)
    .default(10)
    .describe('Alarm when the oldest record that is not aggregated is older than that.'),
  queueAgeAlarmMinutes: integer(1, 10_000)
    .default(15)
    .describe('Alarm when the oldest rollup message is older than that.'),
  freshnessAlarmSeconds: integer(1, DAY_SECONDS)
    .default(60)
    .describe('Alarm when one event in a hundred takes longer from its arrival until it is counted.'),
} as const;
