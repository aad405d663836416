// The collector in the template: absent without the setting, and with only the permissions it needs.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { configurationOf } from '../../lib/configuration.ts';
import { addChecks, createApp } from '../../lib/counting-app.ts';
import { addStack } from '../../lib/counting-stack.ts';
import { templateJson } from '../support/stack-template.ts';
import { alarmsOf, metricsOf } from '../support/template-alarms.ts';

const accessLogs = [
  { bucket: 'my-logs', prefix: 'alb/', format: 'alb', metric: 'view', filter: 'status=2xx' },
  { bucket: 'other-logs' },
];

const collectorOf = (settings = {}) =>
  Object.entries(templateJson('prod', settings).Resources).filter(([id]) => id.startsWith('Collector'));

test('a stack without access logs has none of it', () => {
  assert.deepEqual(collectorOf(), []);
});

test('a rule for each bucket and prefix, a queue with the dead letters of all, and a function on it', () => {
  const parts = collectorOf({ accessLogs });
  const ofType = (type: string) =>
    parts.filter(([, { Type }]) => Type === type).map(([, { Properties }]) => Properties);
  assert.deepEqual(
    ofType('AWS::Events::Rule').map(({ EventPattern }) => EventPattern.detail),
    [
      { bucket: { name: ['my-logs'] }, object: { key: [{ prefix: 'alb/' }] } },
      { bucket: { name: ['other-logs'] }, object: { key: [{ prefix: '' }] } },
    ],
  );
  const [queue] = ofType('AWS::SQS::Queue').filter(({ RedrivePolicy }) => RedrivePolicy !== undefined);
  // The redriver's queue: its messages are parked, and an alarm goes off.
  assert.match(JSON.stringify(queue.RedrivePolicy), /RollupsDeadLetters/);
  const [handler] = ofType('AWS::Lambda::Function');
  assert.ok(queue.VisibilityTimeout >= handler.Timeout && queue.VisibilityTimeout < 600);
  // Lambda stops what looks like a loop after 16 runs, and a large object takes more.
  assert.equal(handler.RecursiveLoop, 'Allow');
  const logs = JSON.parse(handler.Environment.Variables.ACCESS_LOGS);
  assert.deepEqual(logs[1], {
    bucket: 'other-logs',
    prefix: '',
    format: 'auto',
    metric: 'view',
    filter: '',
    entity: '',
    logFormat: '',
  });
});

test('the queue takes what the rules of many prefixes send: SQS allows 10 conditions in a policy', () => {
  const many = Array.from({ length: 12 }, (_, index) => ({ bucket: 'my-logs', prefix: `${index}/` }));
  const [policy] = collectorOf({ accessLogs: many }).filter(
    ([, { Type }]) => Type === 'AWS::SQS::QueuePolicy',
  );
  const statements: { Condition: { ArnEquals?: Record<string, unknown[]> } }[] =
    policy?.[1].Properties.PolicyDocument.Statement;
  assert.ok(statements.length <= 10, `${statements.length} conditions`);
  const senders = statements.flatMap(({ Condition }) => Condition.ArnEquals?.['aws:SourceArn'] ?? []);
  assert.equal(senders.length, many.length);
});

test('it reads only below the prefixes, and writes only batches, its progress and dead letters', () => {
  // To list is needed to be told that an object is gone (404): otherwise S3 says only that it may not be read (403).
  const policies = collectorOf({ accessLogs }).filter(([id]) => id.startsWith('CollectorFunctionPolicy'));
  const actions = policies.flatMap(([, { Properties }]) =>
    Properties.PolicyDocument.Statement.flatMap(({ Action }: { Action: unknown }) => Action),
  );
  assert.deepEqual(actions.toSorted(), [
    'dynamodb:GetItem',
    'dynamodb:PutItem',
    'kinesis:PutRecords',
    'logs:CreateLogStream',
    'logs:PutLogEvents',
    's3:GetObject',
    's3:ListBucket',
    'sqs:ChangeMessageVisibility',
    'sqs:DeleteMessage',
    'sqs:GetQueueAttributes',
    'sqs:ReceiveMessage',
    'sqs:SendMessage',
    'sqs:SendMessage',
  ]);
  // AWS's other partitions (China, GovCloud) have other ARNs.
  const arn = (rest: string) => ({ 'Fn::Join': ['', ['arn:', { Ref: 'AWS::Partition' }, `:s3:::${rest}`]] });
  const onBuckets = policies
    .flatMap(([, { Properties }]) => Properties.PolicyDocument.Statement)
    .filter(({ Action }) => String(Action).startsWith('s3:'));
  assert.deepEqual(
    onBuckets.map(({ Action, Resource, Condition }) => [Action, Resource, Condition]),
    [
      ['s3:GetObject', [arn('my-logs/alb/*'), arn('other-logs/*')], undefined],
      ['s3:ListBucket', [arn('my-logs'), arn('other-logs')], undefined],
    ],
  );
});

test('an alarm goes off long before the queue drops an object that waits unread', () => {
  const template = templateJson('prod', { accessLogs });
  const [queue] = Object.entries(template.Resources).filter(
    ([id, { Type }]) => id.startsWith('CollectorObjects') && Type === 'AWS::SQS::Queue',
  );
  assert.ok(queue);
  const [id, { Properties }] = queue;
  const { properties: alarm } = alarmsOf(template).find((each) => each.id === 'ObjectsAtRisk') ?? {};
  assert.deepEqual(
    metricsOf(alarm).map(({ name, dimensions }) => [name, dimensions]),
    [['ApproximateAgeOfOldestMessage', { QueueName: { 'Fn::GetAtt': [id, 'QueueName'] } }]],
  );
  assert.equal(alarm.Threshold, Properties.MessageRetentionPeriod / 2);
  assert.equal(alarm.AlarmActions.length, 1);
  assert.match(alarm.AlarmDescription, /Runbook: docs\/runbook\.md#queue-age$/);
});

const keyOf = (id: string) => `arn:aws:kms:eu-west-1:111122223333:key/${id}`;
const encrypted = [
  { bucket: 'my-logs', prefix: 'a/', kmsKeyArn: keyOf('one') },
  { bucket: 'my-logs', prefix: 'b/', kmsKeyArn: keyOf('one') },
  { bucket: 'other-logs', kmsKeyArn: keyOf('two') },
  { bucket: 'plain-logs' },
];

test('of encrypted buckets it may use the keys that are named, for what S3 reads for it, and no other key', () => {
  const parts = collectorOf({ accessLogs: encrypted });
  const statements = parts
    .filter(([, { Type }]) => Type === 'AWS::IAM::Policy')
    .flatMap(([, { Properties }]) => Properties.PolicyDocument.Statement)
    .filter(({ Action }) => JSON.stringify(Action).includes('kms:'));
  assert.deepEqual(statements, [
    {
      Action: 'kms:Decrypt',
      Condition: { StringLike: { 'kms:ViaService': 's3.*' } },
      Effect: 'Allow',
      Resource: [keyOf('one'), keyOf('two')],
    },
  ]);
});

test('cdk-nag finds nothing', () => {
  const app = createApp({ builtinCloudFormationValidation: false });
  addStack(app, configurationOf('prod', { accessLogs: [...accessLogs, ...encrypted.slice(0, 2)] }), 'source');
  addChecks(app);
  app.synth();
});
