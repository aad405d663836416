// The setting topOpenHourIndex: an index and who is told of it; without it there is nothing of the kind.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Settings } from '../../lib/configuration.ts';
import { resourcesOf, templateJson } from '../support/stack-template.ts';

const tablesOf = (settings: Settings) =>
  resourcesOf(templateJson('prod', settings), 'AWS::DynamoDB::Table').map(([, { Properties }]) => Properties);

test('without it no table has an index, and no function hears of one', () => {
  for (const { GlobalSecondaryIndexes } of tablesOf({})) assert.equal(GlobalSecondaryIndexes, undefined);
  assert.doesNotMatch(JSON.stringify(templateJson('prod')), /OPEN_HOUR_INDEX|open-hour/);
});

test('with it the counters have a sparse index of keys by count', () => {
  const indexes = tablesOf({ topOpenHourIndex: true }).map(
    ({ GlobalSecondaryIndexes }) => GlobalSecondaryIndexes,
  );
  assert.deepEqual(
    indexes.filter((one) => one !== undefined),
    [
      [
        {
          IndexName: 'open-hour',
          KeySchema: [
            { AttributeName: 'openHour', KeyType: 'HASH' },
            { AttributeName: 'n', KeyType: 'RANGE' },
          ],
          Projection: { ProjectionType: 'KEYS_ONLY' },
        },
      ],
    ],
  );
});

test('with it those who write counters mark items, and the query, nobody else, may ask the index', () => {
  const template = templateJson('prod', { topOpenHourIndex: true });
  const told = resourcesOf(template, 'AWS::Lambda::Function')
    .filter(([, { Properties }]) => Properties.Environment.Variables.OPEN_HOUR_INDEX === 'open-hour')
    .map(([, { Metadata }]) => String(Metadata?.['tally:entry']));
  assert.deepEqual(told.sort(), [
    'lambdas/query/handler.ts',
    'lambdas/redriver/handler.ts',
    'lambdas/writer/handler.ts',
  ]);
  const allowed = resourcesOf(template, 'AWS::IAM::Policy').flatMap(([id, { Properties }]) =>
    Properties.PolicyDocument.Statement.filter((one: unknown) =>
      JSON.stringify(one).includes('index/open-hour'),
    ).map(({ Action }: { Action: unknown }) => [id.replace(/Function.*$|Role.*$/, ''), Action]),
  );
  assert.equal(allowed.length, 1);
  assert.match(String(allowed[0]?.[0]), /^Query/);
  assert.equal(allowed[0]?.[1], 'dynamodb:Query');
});
