// The rules a configuration keeps, checked at synth: a stage that breaks one does not deploy.
import type { Bounded, Configuration } from './configuration.ts';
import { checkDedupWindow } from './dedup-room.ts';
import { SETTING_FORMS } from './setting-forms.ts';

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

/** Longest a counter item must live: the retention rule of the architecture, in whole days. */
export function counterRetentionDaysMin(c: Configuration): Bounded {
  if (c.acceptPastSeconds === 'forever') return 'forever';
  return 1 + Math.floor((c.acceptPastSeconds + messageLifeSeconds(c)) / DAY_SECONDS);
}

/** How much longer a coarser grain lives, so that the compactor may be down for a week before anything goes missing. */
const COMPACTION_DAYS = 7;

/** Hours outlive the minutes that they are made of, and days their hours. */
export function hourRetentionDaysMin({ counterRetentionDays: days }: Configuration): Bounded {
  return days === 'forever' ? days : days + COMPACTION_DAYS;
}

/** The same, one grain up. */
export function dayRetentionDaysMin({ hourRetentionDays: days }: Configuration): Bounded {
  return days === 'forever' ? days : days + COMPACTION_DAYS;
}

function coarserLonger(finer: 'counterRetentionDays' | 'hourRetentionDays', c: Configuration): string {
  const kept = c[finer] === 'forever' ? '"forever"' : `${c[finer]}`;
  return `a coarser grain is made of the finer one and outlives it by a week (${finer} is ${kept}), or the answer would have neither`;
}

/** Longest the ledger must remember a segment: as long as a record, a message or a dead letter of it can turn up. */
export function ledgerRetentionDaysMin(c: Configuration): number {
  return 1 + Math.floor((c.dedupWindowSeconds + messageLifeSeconds(c)) / DAY_SECONDS);
}

/** From a record's arrival until nothing made of it can come back. */
function messageLifeSeconds(c: Configuration): number {
  const days =
    c.streamRetentionHours / HOURS_PER_DAY +
    c.queueRetentionDays +
    c.deadLetterRetentionDays +
    c.redriveHorizonDays;
  return days * DAY_SECONDS;
}

/** Lambda's advice for SQS: six attempts of the function, and the time a batch is gathered. */
export function queueVisibilitySecondsMin(c: Configuration): number {
  return 6 * c.writerTimeoutSeconds + c.writerWindowSeconds;
}

/** What reading, rolling up, writing, a cold start of each and the first retry may take. */
const PROCESSING_SECONDS = 20;

/** The least that the freshness alarm may allow: below it, it would go off while nothing is wrong. */
export function freshnessAlarmSecondsMin(c: Configuration): number {
  return c.aggregatorWindowSeconds + c.writerWindowSeconds + PROCESSING_SECONDS;
}

/** What an item may hold, less its key, its minutes and its totals (at most 2,120 bytes of key, some 20 a minute). */
export const APPLIED_BYTES_MAX = 400 * 1024 - 8 * 1024;

/**
 * The most bytes that segment ids can take in one counter item, when an entity occurs in every segment of its bucket.
 * A batch ends for one of four reasons, so a shard makes at most the sum of their rates: its window is over (the
 * poller looks once a second, so a shorter window makes no more), it holds all the records it may (a shard takes
 * 1,000 a second), it is 6 MB of payload (a shard takes 1 MB a second, 4/3 of it in base64), or it has 40,000 events.
 * Events that arrive long after their bucket are not in this sum: they come in as many segments as carry them.
 */
export function appliedBytesMax(c: Configuration): number {
  const byWindow = 1 / Math.max(1, c.aggregatorWindowSeconds);
  const byRecords = 1000 / c.aggregatorBatchSize;
  const byPayload = 1 / 4;
  const byEvents = 1 / 4;
  const segments = c.bucketMinutes * 60 * c.streamShards * (byWindow + byRecords + byPayload + byEvents);
  // generation "." shard in base 36, 4 digits "." number in base 36, 6 digits; and a byte for the element
  const segmentIdBytes = c.streamGeneration.length + 13;
  return Math.ceil(segments * segmentIdBytes);
}

/** The most buckets that the front door's template knows. */
const PACK_BUCKETS_MAX = 1024;

/** The least power of two with which packs can reach every shard, as far as there are that many buckets. */
export function packBucketsMin({ streamShards }: Configuration): number {
  return Math.min(PACK_BUCKETS_MAX, 2 ** Math.ceil(Math.log2(streamShards)));
}

const BUCKET_WIDTHS = [60, 30, 20, 15, 12, 10, 6, 5, 4, 3, 2, 1];

function checkApplied(c: Configuration): string | undefined {
  if (appliedBytesMax(c) <= APPLIED_BYTES_MAX) return undefined;
  const reason = `segment ids could take ${appliedBytesMax(c).toLocaleString('en')} bytes of a counter item, which ends at 400 KB`;
  const fits = BUCKET_WIDTHS.find(
    (width) => appliedBytesMax({ ...c, bucketMinutes: width }) <= APPLIED_BYTES_MAX,
  );
  if (fits !== undefined) return `bucketMinutes must be at most ${fits}: ${reason}.`;
  const perShard = appliedBytesMax({ ...c, bucketMinutes: 1, streamShards: 1 });
  return `streamShards must be at most ${Math.floor(APPLIED_BYTES_MAX / perShard)}: ${reason}, even with bucketMinutes 1.`;
}

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

const RULES: readonly Rule[] = [
  {
    about: 'aggregatorParallelization',
    check: (c) =>
      c.aggregatorParallelization === 1
        ? undefined
        : 'aggregatorParallelization must be 1: with more, batches of one shard interleave and the ledger has no order to plan by.',
  },
  {
    about: 'bucketMinutes, aggregatorWindowSeconds, aggregatorBatchSize, streamShards',
    check: checkApplied,
  },
  atLeast(
    'packBuckets',
    packBucketsMin,
    (c) =>
      `all packs of a bucket go to one shard, so some of the ${c.streamShards} shards would never get any`,
  ),
  {
    about: 'dedupWindowSeconds, dedupEventsPerSecond, streamShards, aggregatorMemoryMb',
    check: checkDedupWindow,
  },
  atLeast(
    'streamRetentionHours',
    (c) => Math.floor(c.dedupWindowSeconds / 3600) + 1,
    (c) => `the stream must outlive the dedup window of ${c.dedupWindowSeconds} seconds`,
  ),
  atLeast('counterRetentionDays', counterRetentionDaysMin, (c) =>
    c.acceptPastSeconds === 'forever'
      ? 'acceptPastSeconds is "forever", so an event may touch a counter of any age'
      : 'a counter must outlive every message that could still touch it, which is the sum of acceptPastSeconds, streamRetentionHours, queueRetentionDays, deadLetterRetentionDays and redriveHorizonDays',
  ),
  atLeast('hourRetentionDays', hourRetentionDaysMin, (c) => coarserLonger('counterRetentionDays', c)),
  atLeast('dayRetentionDays', dayRetentionDaysMin, (c) => coarserLonger('hourRetentionDays', c)),
  atLeast(
    'ledgerRetentionDays',
    ledgerRetentionDaysMin,
    () =>
      'a segment and its ids must outlive everything made of it, which is the sum of dedupWindowSeconds, streamRetentionHours, queueRetentionDays, deadLetterRetentionDays and redriveHorizonDays',
  ),
  atLeast(
    'rawRetentionDays',
    (c) => (c.archiveRawEvents ? 1 + Math.ceil(c.streamRetentionHours / HOURS_PER_DAY) : 1),
    (c) =>
      `raw records are archived for when the stream has them no more, after streamRetentionHours (${c.streamRetentionHours})`,
  ),
  {
    about: 'topOpenHourIndex, bucketMinutes',
    check: (c) =>
      !c.topOpenHourIndex || c.bucketMinutes === 60
        ? undefined
        : `topOpenHourIndex must be false: with bucketMinutes ${c.bucketMinutes} no counter item has the count of a whole hour.`,
  },
  {
    about: 'queueRetentionDays, deadLetterRetentionDays',
    check: (c) => {
      if (c.deadLetterRetentionDays > c.queueRetentionDays) return undefined;
      const reason = 'a dead letter keeps its first enqueue time, so its queue must keep it longer';
      // SQS keeps nothing longer than 14 days, so past that it is the queue's retention that has to give way.
      if (c.queueRetentionDays >= 14)
        return `queueRetentionDays must be at most 13: ${reason}, and 14 days is the most.`;
      return `deadLetterRetentionDays must be at least ${c.queueRetentionDays + 1}: ${reason}.`;
    },
  },
  atLeast(
    'writerWindowSeconds',
    (c) => (c.writerBatchSize > 10 ? 1 : 0),
    (c) =>
      `SQS gives batches of more than 10 messages (writerBatchSize is ${c.writerBatchSize}) only with a window`,
  ),
  atLeast(
    'queueVisibilitySeconds',
    queueVisibilitySecondsMin,
    () => 'it must be six times writerTimeoutSeconds, and writerWindowSeconds more',
  ),
  atLeast(
    'queueReceivesMax',
    (c) => c.retryAttempts + 1,
    (c) => `it is the backstop above retryAttempts (${c.retryAttempts})`,
  ),
  atLeast(
    'retryBackoffCapSeconds',
    (c) => c.retryBackoffBaseSeconds,
    () => 'the longest pause can not be shorter than retryBackoffBaseSeconds',
  ),
  atLeast(
    'redriveDelayCapSeconds',
    (c) => c.redriveDelaySeconds,
    () => 'the longest delay can not be shorter than redriveDelaySeconds',
  ),
  atLeast(
    'throttleBurstRequests',
    (c) => c.throttleRequestsPerSecond,
    () => 'a smaller burst than throttleRequestsPerSecond refuses requests the rate allows',
  ),
  atLeast(
    'throttleRequestsPerSecond',
    (c) => (c.apiKeys ? c.keyRequestsPerSecond : 1),
    () => 'one API key alone may make keyRequestsPerSecond',
  ),
  atLeast(
    'keyBurstRequests',
    (c) => (c.apiKeys ? c.keyRequestsPerSecond : 1),
    () => 'a smaller burst than keyRequestsPerSecond refuses requests the rate allows',
  ),
  {
    about: 'webAclRequestsPerMinute, throttleRequestsPerSecond',
    check: (c) => {
      const most = c.throttleRequestsPerSecond * 60;
      return c.webAcl !== 'rate-limit' || c.webAclRequestsPerMinute <= most
        ? undefined
        : `webAclRequestsPerMinute must be at most ${most}: past that, one address takes all that throttleRequestsPerSecond lets through.`;
    },
  },
  {
    about: 'iteratorAgeAlarmMinutes, streamRetentionHours',
    check: (c) => {
      const most = Math.floor((c.streamRetentionHours * 60) / 4);
      return c.iteratorAgeAlarmMinutes <= most
        ? undefined
        : `iteratorAgeAlarmMinutes must be at most ${most}: the alarm is to leave three quarters of the stream's retention for the repair.`;
    },
  },
  {
    about: 'queueAgeAlarmMinutes, queueRetentionDays',
    check: (c) => {
      const most = Math.floor((c.queueRetentionDays * 24 * 60) / 4);
      return c.queueAgeAlarmMinutes <= most
        ? undefined
        : `queueAgeAlarmMinutes must be at most ${most}: the alarm is to leave three quarters of the queue's retention for the repair.`;
    },
  },
  atLeast(
    'freshnessAlarmSeconds',
    freshnessAlarmSecondsMin,
    (c) =>
      `events are gathered for aggregatorWindowSeconds (${c.aggregatorWindowSeconds}) and writerWindowSeconds (${c.writerWindowSeconds}) on purpose, and ${PROCESSING_SECONDS} seconds go by in reading, counting and a retry`,
  ),
];

/**
 * Checks settings of any origin: first that each is known and has its form, then the rules between them.
 * @throws ConfigurationError for the first thing wrong
 */
export function checkConfiguration(settings: Readonly<Record<string, unknown>>): Configuration {
  for (const name of Object.keys(settings)) {
    if (!Object.hasOwn(SETTING_FORMS, name)) throw new ConfigurationError(unknownSetting(name));
  }
  for (const [name, form] of Object.entries(SETTING_FORMS)) {
    const wrong = form(settings[name]);
    if (wrong !== undefined) throw new ConfigurationError(`${name} must be ${wrong}.`);
  }
  const configuration = settings as unknown as Configuration;
  for (const rule of RULES) {
    const broken = rule.check(configuration);
    if (broken !== undefined) throw new ConfigurationError(broken);
  }
  return configuration;
}

function unknownSetting(name: string): string {
  const wanted = name.toLowerCase();
  const near = Object.keys(SETTING_FORMS)
    .map((known) => ({ known, distance: editDistance(wanted, known.toLowerCase()) }))
    .sort((a, b) => a.distance - b.distance)[0];
  return near !== undefined && near.distance <= Math.max(2, name.length / 2)
    ? `${name} is not a setting: did you mean ${near.known}?`
    : `${name} is not a setting: lib/configuration.ts lists them.`;
}

/** Levenshtein distance, for "did you mean". */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
