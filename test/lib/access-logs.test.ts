// The setting `accessLogs`: an entry by which no line could be read does not get past synth, and is told in one sentence.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { configurationOf } from '../../lib/configuration.ts';
import { refusalOf } from './refusal.ts';

const bucket = 'my-logs';
const kmsKeyArn = 'arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab';
const logFormat = '$remote_addr [$time_local] "$request" $status $song';

/** Wrong second entries, and what is said after `accessLogs[1]`. */
const WRONG: readonly [trait: string, entry: unknown, sentence: RegExp][] = [
  [
    'an unknown format',
    { bucket, format: 'qif' },
    /^\.format must be one of auto, combined, .*, alb, .*, not "qif"\.$/,
  ],
  ['columns without names', { bucket, format: 'csv' }, /^\.format must be one of auto, .*, not "csv"\.$/],
  ['no bucket', {}, /^\.bucket must be a bucket's name, such as my-logs, not undefined\.$/],
  ['capitals in a bucket', { bucket: 'Logs' }, /^\.bucket must be .*, not "Logs"\.$/],
  ['a bucket like an address', { bucket: '10.0.0.1' }, /^\.bucket must be /],
  ['a bucket with two points', { bucket: 'my..logs' }, /^\.bucket must be /],
  [
    'a pattern as a prefix',
    { bucket, prefix: 'alb/*' },
    /^\.prefix must be what keys begin with, .* without \* \? \$, not "alb\/\*"\.$/,
  ],
  ['a long prefix', { bucket, prefix: 'a'.repeat(1025) }, /^\.prefix must be /],
  [
    'a metric with a blank',
    { bucket, metric: 'a b' },
    /^\.metric must be 1 to 64 of A-Z a-z 0-9 _ \. -, not "a b"\.$/,
  ],
  [
    'a filter without a value',
    { bucket, filter: 'method=GET,status' },
    /^ must be readable: filter takes FIELD=VALUE, such as status=2xx,method=GET, not "status"\.$/,
  ],
  ['a filter that is no text', { bucket, filter: 200 }, /^\.filter must be conditions such as /],
  [
    'a filter on a field that the format does not have',
    { bucket, format: 'nlb', filter: 'method=GET' },
    /^ must be readable: format nlb has no field method; it has type, .*\.$/,
  ],
  [
    'an entity that the format does not have',
    { bucket, format: 'alb', entity: 'song' },
    /^ must be readable: format elb has no field song; it has .*\.$/,
  ],
  [
    'an entity that the template does not have',
    { bucket, logFormat, entity: 'album' },
    /^ must be readable: format template has no field album; it has .*, song\.$/,
  ],
  ['an entity with blanks around', { bucket, entity: ' path' }, /^\.entity must be a field's name/],
  [
    'a template that is not there',
    { bucket, format: 'template' },
    /^ must be readable: format template needs logFormat\.$/,
  ],
  [
    'a template without a time',
    { bucket, logFormat: '$request' },
    /^ must be readable: logFormat has no time: add \$time_local, .*\.$/,
  ],
  [
    'a template for another format',
    { bucket, format: 'alb', logFormat },
    /^ must be readable: format elb cannot use logFormat\.$/,
  ],
  [
    'the alias of a key',
    { bucket, kmsKeyArn: 'alias/logs' },
    /^\.kmsKeyArn must be the ARN of the bucket's KMS key, such as arn:.*, not "alias\/logs"\.$/,
  ],
  [
    'a name that is none of its fields',
    { bucket, path: 'alb/' },
    /^ must be an object with bucket, prefix, .* alone, without path\.$/,
  ],
  ['no object', 'my-logs', /^ must be an object such as \{"bucket":"my-logs"\}, not "my-logs"\.$/],
  [
    'the same objects as another entry',
    { bucket: 'other-logs', metric: 'hit' },
    /^ must be about another bucket or prefix than accessLogs\[0\]: an object is read once\.$/,
  ],
];

describe('refused', () => {
  for (const [trait, entry, sentence] of WRONG) {
    test(trait, () => {
      const refusal = refusalOf({ accessLogs: [{ bucket: 'other-logs' }, entry] });
      assert.match(refusal, /^accessLogs\[1\][^\n]+\.$/);
      assert.match(refusal.slice('accessLogs[1]'.length), sentence);
    });
  }

  test('more than a function has room for', () => {
    const long = { bucket, logFormat: `${logFormat} ${'x'.repeat(3000)}` };
    const refusal = refusalOf({ accessLogs: [{ bucket: 'other-logs' }, long] });
    assert.match(refusal, /^accessLogs must be at most 3000 bytes of JSON: [^\n]+\.$/);
  });

  test('no list', () => {
    assert.match(refusalOf({ accessLogs: { bucket } }), /^accessLogs must be a list such as \[\{"bucket"/);
  });
});

test('everything else is taken as it stands', () => {
  const right = [
    { bucket },
    { bucket, prefix: 'alb/AWSLogs/', format: 'alb', metric: 'hit', filter: 'status=2xx, method=GET|HEAD' },
    { bucket, prefix: 'any/', filter: 'any', kmsKeyArn },
    // Which fields a file of JSON has is not known before it is read.
    { bucket, prefix: 'json/', format: 'json', entity: 'a.b', filter: 'kind=play' },
    { bucket, prefix: 'auto/', entity: 'song', filter: 'kind!=' },
    { bucket, prefix: 'nginx/', logFormat, entity: 'song', filter: 'any' },
    { bucket: 'logs.example.com', format: 'template', logFormat: 'LogFormat "%t %r %>s" short' },
  ];
  const { accessLogs } = configurationOf('prod', { accessLogs: right });
  assert.deepEqual(
    accessLogs.map((log, i) => ({ ...log, ...right[i] })),
    accessLogs,
  );
  assert.equal(accessLogs[2]?.kmsKeyArn, kmsKeyArn);
});
