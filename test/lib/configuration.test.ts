// Configuration: defaults are valid, layers override one another, and each broken rule is one sentence with the nearest correct value.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { configurationOf, type Settings } from '../../lib/configuration.ts';
import { ConfigurationError } from '../../lib/configuration-rules.ts';
import { SETTINGS } from '../../lib/settings.ts';
import { refusalOf } from './refusal.ts';

const DAY = 86_400;

test('the defaults of every stage keep the rules', () => {
  for (const stage of ['dev', 'prod', 'local']) assert.equal(configurationOf(stage).stage, stage);
  assert.deepEqual(['stage', ...Object.keys(SETTINGS)].sort(), Object.keys(configurationOf('dev')).sort());
});

test('production and the local stage have the documented values', () => {
  const production = configurationOf('prod');
  assert.equal(production.acceptPastSeconds, 7 * DAY);
  assert.equal(production.acceptFutureSeconds, 600);
  assert.equal(production.dedupWindowSeconds, 3600);
  assert.equal(production.streamRetentionHours, 168);
  assert.equal(production.minuteRetentionDays, 'forever');
  assert.equal(production.apiKeys, true);
  const local = configurationOf('local');
  assert.equal(local.streamMode, 'provisioned');
  assert.equal(local.streamShards, 2);
  assert.equal(local.acceptPastSeconds, 'forever');
  assert.equal(local.ledgerRetentionDays, 'forever');
  assert.equal(local.aggregatorWindowSeconds, 1);
  assert.equal(local.apiKeys, false);
  assert.equal(local.logLevel, 'WARN');
});

test('there are at most 45 settings', () => {
  assert.ok(Object.keys(SETTINGS).length <= 45);
});

test('later layers win, and none can rename the stage', () => {
  const c = configurationOf('prod', { streamShards: 3, apiKeys: false, stage: 'other' }, { streamShards: 4 });
  assert.equal(c.streamShards, 4);
  assert.equal(c.apiKeys, false);
  assert.equal(c.stage, 'prod');
});

/** Settings that break a rule, the name that begins the sentence, how that continues, and the offered value, which must pass. */
const BROKEN: readonly [settings: Settings, name: keyof Settings, sentence: RegExp, right: unknown][] = [
  [{ minuteRetentionDays: 7 }, 'minuteRetentionDays', /^must be at least 8: /, 8],
  [{ minuteRetentionDays: 60, hourRetentionDays: 59 }, 'hourRetentionDays', /^must be at least 60: /, 60],
  [
    { minuteRetentionDays: 60, hourRetentionDays: 400, dayRetentionDays: 399 },
    'dayRetentionDays',
    /^must be at least 400: /,
    400,
  ],
  [{ hourRetentionDays: 400 }, 'hourRetentionDays', /^must be "forever": /, 'forever'],
  [{ minuteRetentionDays: 0 }, 'minuteRetentionDays', /^must be at least 1, not 0\.$/, 8],
  [{ hashSlots: 20 }, 'hashSlots', /^must be 32 \(of /, 32],
  [{ compactionSeconds: 90 }, 'compactionSeconds', /^must be a multiple of 60, not 90\.$/, 120],
  // A part may be parked for weeks; the segment's other deltas are read until it is replayed.
  [{ deltaRetentionDays: 30 }, 'deltaRetentionDays', /^must be at least 40: /, 40],
  [{ ledgerRetentionDays: 30 }, 'ledgerRetentionDays', /^must be at least 40: /, 40],
  [
    { queueRetentionDays: 14, ledgerRetentionDays: 90 },
    'queueRetentionDays',
    /^must be at most 13, not 14\.$/,
    13,
  ],
  [
    { streamRetentionHours: 24, dedupWindowSeconds: 86_400, dedupEventsPerSecond: 50 },
    'streamRetentionHours',
    /^must be at least 25: /,
    25,
  ],
  [
    { dedupWindowSeconds: 86_400 },
    'dedupWindowSeconds',
    /^must be at most 4333: dedupEventsPerSecond 1000 on 1 shards make 86,400,000 ids a shard, and aggregatorMemoryMb 1024 is enough for 4,333,333/,
    4_333,
  ],
  [
    { dedupWindowSeconds: 86_400, dedupEventsPerSecond: 2_000, aggregatorMemoryMb: 10_240 },
    'dedupWindowSeconds',
    /^must be at most 34166: .* is enough for 68,333,333/,
    34_166,
  ],
  [{ dedupWindowSeconds: 86_401 }, 'dedupWindowSeconds', /^must be at most 86400/, 3_600],
  [
    { aggregatorMemoryMb: 128 },
    'aggregatorMemoryMb',
    /^must be at least 919: .* 3,600,000 ids a shard, and aggregatorMemoryMb 128 is enough for 0\.$/,
    919,
  ],
  [{ dedupEventsPerSecond: 10_000_000 }, 'dedupEventsPerSecond', /^must be at most 1203: /, 1_203],
  [
    { streamGenerationFrom: '2098-11-29T10:00Z' },
    'streamGenerationFrom',
    /^must be a time that has passed, not 2098-11-29T10:00Z: /,
    '2025-11-29T10:00Z',
  ],
  [
    { streamGenerationFrom: '2026-02-30T10:00Z' },
    'streamGenerationFrom',
    /^must be a day of the calendar/,
    '2025-03-02T10:00Z',
  ],
  [
    { streamGenerationFrom: '2026-00-10T10:00Z' },
    'streamGenerationFrom',
    /^must be a day of the calendar/,
    '2025-01-10T10:00Z',
  ],
  [
    { streamGenerationFrom: 'yesterday' },
    'streamGenerationFrom',
    /^must be "heads" or a time of UTC/,
    '2025-11-29T10:00Z',
  ],
  [
    { archiveRawEvents: true, rawRetentionDays: 7 },
    'rawRetentionDays',
    /^must be at least 8: .*streamRetentionHours \(168\)/,
    8,
  ],
  [{ keyRequestsPerSecond: 3000 }, 'throttleRequestsPerSecond', /^must be at least 3000: /, 3000],
  [{ iteratorAgeAlarmMinutes: 2521 }, 'iteratorAgeAlarmMinutes', /^must be at most 2520: /, 2520],
  [{ queueAgeAlarmMinutes: 1441 }, 'queueAgeAlarmMinutes', /^must be at most 1440: /, 1440],
  [
    { webAcl: 'arn:aws:wafv2:us-east-1:123456789012:global/webacl/mine/0123' },
    'webAcl',
    /^must be "off" or the ARN of a regional web ACL, not /,
    'off',
  ],
  [{ aggregatorWindowSeconds: 60 }, 'freshnessAlarmSeconds', /^must be at least 80: /, 80],
  [{ logRetentionDays: 31 }, 'logRetentionDays', /^must be 60 /, 60],
  [{ streamRetentionHours: 23 }, 'streamRetentionHours', /^must be at least 24, not 23\.$/, 24],
  [{ writerConcurrency: 1 }, 'writerConcurrency', /^must be at least 2, not 1\.$/, 2],
  [{ streamShards: '4' }, 'streamShards', /^must be a whole number from 1 to 20000, not "4"\.$/, 4],
  [
    { minuteRetentionDays: 'always' },
    'minuteRetentionDays',
    /^must be a whole number or "forever", not "always"\.$/,
    'forever',
  ],
  [{ apiKeys: 'yes' }, 'apiKeys', /^must be true or false, not "yes"\.$/, true],
  [
    { streamMode: 'ondemand' },
    'streamMode',
    /^must be "provisioned" or "on-demand", not "ondemand"\.$/,
    'on-demand',
  ],
  [{ allowOrigin: "https://a.example'" }, 'allowOrigin', /^must be "\*" or one origin/, 'https://a.example'],
  [{ streamGeneration: 'a.b' }, 'streamGeneration', /^must be 1 to 8 letters and digits/, '2'],
];

describe('a broken rule is one sentence that names the setting and the nearest correct value', () => {
  for (const [settings, name, sentence, right] of BROKEN) {
    test(JSON.stringify(settings), () => {
      const error = refusalOf(settings);
      assert.ok(error.startsWith(`${name} `), error);
      assert.match(error.slice(name.length + 1), sentence);
      assert.match(error, /^[^\n]+[.?]$/);
      configurationOf('prod', settings, { [name]: right });
    });
  }
});

test('an unknown setting is refused, with the most similar one', () => {
  assert.equal(refusalOf({ streamshards: 4 }), 'streamshards is not a setting: did you mean streamShards?');
  assert.match(
    refusalOf({ 'x-y-z-unrelated': 1 }),
    /^x-y-z-unrelated is not a setting: docs\/settings.md lists them\.$/,
  );
  assert.match(refusalOf({ __proto__x: 1 }), /^__proto__x is not a setting/);
});

test('a stage name that resources could not have is refused', () => {
  for (const stage of ['', 'Prod', '1st', 'a b', '../x', 'a'.repeat(17)]) {
    assert.throws(() => configurationOf(stage), ConfigurationError, stage);
  }
});
