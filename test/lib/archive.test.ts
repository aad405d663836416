// The archive: what was only kept to be looked at expires where a stage says so; what may still be counted never does.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { resourceOf, templateJson } from '../support/stack-template.ts';

const rulesOf = (settings = {}) =>
  resourceOf(templateJson('prod', settings), 'AWS::S3::Bucket').Properties.LifecycleConfiguration.Rules as {
    Prefix?: string;
    ExpirationInDays?: number;
  }[];

test('nothing expires by default, but for older versions and what audits set aside', () => {
  const expiring = rulesOf().filter(({ ExpirationInDays }) => ExpirationInDays !== undefined);
  assert.deepEqual(
    expiring.map(({ Prefix, ExpirationInDays }) => [Prefix, ExpirationInDays]),
    [['audits/', 1]],
  );
});

test('rejected events, expired rows and traces of repairs go after the days given; parked and given-up batches stay', () => {
  const expiring = rulesOf({ archiveRetentionDays: 90 }).filter(
    ({ ExpirationInDays }) => ExpirationInDays === 90,
  );
  assert.deepEqual(
    expiring.map(({ Prefix }) => Prefix),
    ['rejected/', 'expired/', 'repairs/'],
  );
});
