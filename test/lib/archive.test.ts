// The archive: objects kept only for inspection expire where a stage says so; those that may still count never do.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { resourceOf, templateJson } from '../support/stack-template.ts';

const rulesOf = (settings = {}) =>
  resourceOf(templateJson('prod', settings), 'AWS::S3::Bucket').Properties.LifecycleConfiguration.Rules as {
    Prefix?: string;
    ExpirationInDays?: number;
    NoncurrentVersionExpiration?: object;
    ExpiredObjectDeleteMarker?: boolean;
  }[];

test('nothing expires by default, but for older versions and raw records', () => {
  const expiring = rulesOf().filter(({ ExpirationInDays }) => ExpirationInDays !== undefined);
  assert.deepEqual(
    expiring.map(({ Prefix, ExpirationInDays }) => [Prefix, ExpirationInDays]),
    [['raw/', 90]],
  );
});

test('rejected events, expired rows and traces of repairs go after the days given; parked and given-up batches stay', () => {
  const expiring = rulesOf({ archiveRetentionDays: 70 }).filter(
    ({ ExpirationInDays }) => ExpirationInDays === 70,
  );
  assert.deepEqual(
    expiring.map(({ Prefix }) => Prefix),
    ['rejected/', 'expired/', 'repairs/'],
  );
});

test('raw records go after their days with all their versions, archived or not, and stay where a stage says so', () => {
  const raw = (settings = {}) => rulesOf(settings).filter(({ Prefix }) => Prefix === 'raw/');
  for (const archiveRawEvents of [false, true]) {
    const [expiring, markers] = raw({ archiveRawEvents, rawRetentionDays: 30 });
    assert.equal(expiring?.ExpirationInDays, 30);
    assert.deepEqual(expiring?.NoncurrentVersionExpiration, { NoncurrentDays: 1 });
    assert.equal(markers?.ExpiredObjectDeleteMarker, true);
  }
  assert.deepEqual(raw({ rawRetentionDays: 'forever' }), []);
});
