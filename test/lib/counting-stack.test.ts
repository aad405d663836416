// The stack: each property that the design rests on, and the settings that reach the template.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { Match } from 'aws-cdk-lib/assertions';
import { resourceOf, resourcesOf, templateJson, templateOf } from '../support/stack-template.ts';

const production = templateOf('prod');
const json = templateJson('prod');
const local = templateJson('local');

describe('stream', () => {
  test('keeps records for seven days, encrypted, and outlives the stack', () => {
    production.hasResource('AWS::Kinesis::Stream', {
      DeletionPolicy: 'RetainExceptOnCreate',
      UpdateReplacePolicy: 'Retain',
      Properties: {
        RetentionPeriodHours: 168,
        ShardCount: 1,
        StreamEncryption: { EncryptionType: 'KMS', KeyId: 'alias/aws/kinesis' },
      },
    });
  });
  test('is on demand where the stage says so', () => {
    templateOf('prod', { streamMode: 'on-demand' }).hasResourceProperties('AWS::Kinesis::Stream', {
      StreamModeDetails: { StreamMode: 'ON_DEMAND' },
      ShardCount: Match.absent(),
    });
  });
  test('has one mapping, which never skips a record', () => {
    const mappings = resourcesOf(json, 'AWS::Lambda::EventSourceMapping');
    assert.equal(mappings.length, 2);
    production.hasResourceProperties('AWS::Lambda::EventSourceMapping', {
      EventSourceArn: { 'Fn::GetAtt': [Match.stringLikeRegexp('^EventsStream'), 'Arn'] },
      StartingPosition: 'TRIM_HORIZON',
      ParallelizationFactor: 1,
      BisectBatchOnFunctionError: false,
      MaximumRetryAttempts: -1,
      MaximumRecordAgeInSeconds: -1,
      FunctionResponseTypes: ['ReportBatchItemFailures'],
      BatchSize: 10_000,
      MaximumBatchingWindowInSeconds: 5,
      DestinationConfig: {
        OnFailure: { Destination: { 'Fn::GetAtt': [Match.stringLikeRegexp('^ArchiveBucket'), 'Arn'] } },
      },
      FilterCriteria: Match.absent(),
      TumblingWindowInSeconds: Match.absent(),
    });
  });
});

describe('queues', () => {
  test('keep messages four days, dead letters fourteen, both encrypted and kept', () => {
    production.hasResource('AWS::SQS::Queue', {
      DeletionPolicy: 'RetainExceptOnCreate',
      Properties: {
        MessageRetentionPeriod: 345_600,
        VisibilityTimeout: 180,
        SqsManagedSseEnabled: true,
        MaximumMessageSize: 1_048_576,
        RedrivePolicy: {
          maxReceiveCount: 20,
          deadLetterTargetArn: { 'Fn::GetAtt': [Match.stringLikeRegexp('^RollupsDeadLetters'), 'Arn'] },
        },
        FifoQueue: Match.absent(),
      },
    });
    production.hasResource('AWS::SQS::Queue', {
      DeletionPolicy: 'RetainExceptOnCreate',
      Properties: {
        MessageRetentionPeriod: 1_209_600,
        SqsManagedSseEnabled: true,
        RedrivePolicy: Match.absent(),
      },
    });
  });
  test('and the topic of the alarms refuse requests without TLS', () => {
    const policies = [
      ...resourcesOf(json, 'AWS::SQS::QueuePolicy'),
      ...resourcesOf(json, 'AWS::SNS::TopicPolicy'),
    ];
    assert.equal(policies.length, 3);
    for (const [id, { Properties }] of policies) {
      const denies = Properties.PolicyDocument.Statement.filter(
        (one: { Effect: string; Condition?: { Bool?: Record<string, string> } }) =>
          one.Effect === 'Deny' && one.Condition?.Bool?.['aws:SecureTransport'] === 'false',
      );
      assert.equal(denies.length, 1, id);
    }
  });
  test('feed the writer in batches that may fail in part', () => {
    production.hasResourceProperties('AWS::Lambda::EventSourceMapping', {
      EventSourceArn: { 'Fn::GetAtt': [Match.stringLikeRegexp('^RollupsMessages'), 'Arn'] },
      FunctionResponseTypes: ['ReportBatchItemFailures'],
      BatchSize: 10,
      MaximumBatchingWindowInSeconds: Match.absent(),
      ScalingConfig: { MaximumConcurrency: 5 },
    });
  });
});

describe('data', () => {
  test('tables have pk and sk, expiry, recovery to any point in time, and outlive the stack', () => {
    const tables = resourcesOf(json, 'AWS::DynamoDB::Table');
    assert.equal(tables.length, 2);
    for (const [id, table] of tables) {
      // The rollback of a failed first deployment cannot delete a table that is protected.
      assert.equal(table.DeletionPolicy, 'Retain', id);
      assert.equal(table.UpdateReplacePolicy, 'Retain', id);
      const { Properties } = table;
      assert.deepEqual(Properties.KeySchema, [
        { AttributeName: 'pk', KeyType: 'HASH' },
        { AttributeName: 'sk', KeyType: 'RANGE' },
      ]);
      assert.ok(
        Properties.AttributeDefinitions.every((one: { AttributeType: string }) => one.AttributeType === 'S'),
      );
      assert.deepEqual(Properties.TimeToLiveSpecification, { AttributeName: 'expiresAt', Enabled: true });
      assert.equal(Properties.PointInTimeRecoverySpecification.PointInTimeRecoveryEnabled, true);
      assert.equal(Properties.BillingMode, 'PAY_PER_REQUEST');
      assert.equal(Properties.DeletionProtectionEnabled, true);
      assert.equal(Properties.TableName, undefined);
    }
  });
  test('the archive is private, encrypted, versioned, TLS only, and outlives the stack', () => {
    production.hasResource('AWS::S3::Bucket', {
      DeletionPolicy: 'RetainExceptOnCreate',
      Properties: {
        VersioningConfiguration: { Status: 'Enabled' },
        BucketEncryption: {
          ServerSideEncryptionConfiguration: [{ ServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256' } }],
        },
        PublicAccessBlockConfiguration: {
          BlockPublicAcls: true,
          BlockPublicPolicy: true,
          IgnorePublicAcls: true,
          RestrictPublicBuckets: true,
        },
        BucketName: Match.absent(),
      },
    });
    production.hasResourceProperties('AWS::S3::BucketPolicy', {
      PolicyDocument: {
        Statement: Match.arrayWith([
          Match.objectLike({ Effect: 'Deny', Condition: { Bool: { 'aws:SecureTransport': 'false' } } }),
        ]),
      },
    });
    // Nothing in it expires but raw records and older versions of the same object.
    const rules = resourceOf(json, 'AWS::S3::Bucket').Properties.LifecycleConfiguration.Rules;
    const expiring = rules.filter((rule: object) => 'ExpirationInDays' in rule);
    assert.deepEqual(
      expiring.map((rule: Record<string, unknown>) => [rule['Prefix'], rule['ExpirationInDays']]),
      [['raw/', 90]],
    );
  });
  test('only resources that operators type have explicit names', () => {
    const named = Object.entries(json.Resources).flatMap(([id, { Type, Properties }]) =>
      ['TableName', 'QueueName', 'BucketName', 'FunctionName', 'LogGroupName', 'RoleName', 'TopicName']
        .concat(Type === 'AWS::Kinesis::Stream' || Type === 'AWS::SSM::Parameter' ? ['Name'] : [])
        .filter((name) => typeof Properties?.[name] === 'string' && Type !== 'AWS::Lambda::Permission')
        .map((name) => `${id}.${name}`),
    );
    assert.deepEqual(
      named.filter((name) => !/^(Retries|Resources)/.test(name)),
      [],
    );
  });
});

describe('functions', () => {
  const functions = resourcesOf(json, 'AWS::Lambda::Function');
  const timeouts: Record<string, number> = {
    aggregator: 60,
    writer: 30,
    redriver: 60,
    query: 10,
    accountant: 60,
    canary: 50,
    compactor: 300,
    console: 10,
  };
  test('are these, on arm64 and Node 24, each with its entry and time-out', () => {
    const found = Object.fromEntries(
      functions.map(([, { Properties, Metadata }]) => [Metadata?.['tally:entry'], Properties.Timeout]),
    );
    const wanted = Object.entries(timeouts).map(([noun, seconds]) => [`lambdas/${noun}/handler.ts`, seconds]);
    assert.deepEqual(found, Object.fromEntries(wanted));
    for (const [id, { Properties }] of functions) {
      assert.equal(Properties.Runtime, 'nodejs24.x', id);
      assert.deepEqual(Properties.Architectures, ['arm64'], id);
    }
  });
  test('log into their own groups, with a retention', () => {
    const groups = new Set(functions.map(([, { Properties }]) => Properties.LoggingConfig.LogGroup.Ref));
    assert.equal(groups.size, functions.length);
    for (const [id, { Properties }] of resourcesOf(json, 'AWS::Logs::LogGroup')) {
      assert.equal(Properties.RetentionInDays, 30, id);
    }
  });
  test('have exactly the environment that they read', () => {
    const common = /^(STAGE|POWERTOOLS_\w+|NODE_OPTIONS)$/;
    // Lambda's runtime sets these itself.
    const ofLambda = /^(AWS_REGION|LAMBDA_TASK_ROOT)$/;
    const helpers = readFileSync('lambdas/aws/environment.ts', 'utf8');
    for (const noun of Object.keys(timeouts)) {
      const handler = readFileSync(`lambdas/${noun}/handler.ts`, 'utf8');
      const given = Object.keys(environmentOf(noun));
      const read = [...handler.matchAll(/\(env, '([A-Z_]+)'/g)].map(([, name = '']) => name);
      for (const name of read)
        assert.ok(given.includes(name) || ofLambda.test(name), `${noun} reads ${name}`);
      for (const name of given)
        assert.ok(
          common.test(name) || handler.includes(`'${name}'`) || helpers.includes(`'${name}'`),
          `${noun} does not read ${name}`,
        );
    }
    assert.equal(environmentOf('aggregator')['ACCEPT_PAST_SECONDS'], '604800');
    assert.equal(environmentOf('aggregator')['LEDGER_RETENTION_SECONDS'], String(60 * 86_400));
    assert.equal(environmentOf('aggregator')['ARCHIVE_RAW_EVENTS'], 'false');
    assert.equal(environmentOf('writer')['DELTA_RETENTION_SECONDS'], String(60 * 86_400));
    assert.equal(environmentOf('writer')['NODE_OPTIONS'], '--enable-source-maps');
  });
  test('run on schedule where intended, and a failed run is not repeated', () => {
    const rules = resourcesOf(json, 'AWS::Events::Rule').map(([id, { Properties }]) => [
      id.replace(/(Every|Schedule).*$/, ''),
      Properties.ScheduleExpression,
    ]);
    assert.deepEqual(Object.fromEntries(rules), {
      Accountant: 'rate(1 minute)',
      Canary: 'rate(1 minute)',
      Compactor: 'rate(1 minute)',
      Redriver: 'rate(1 minute)',
    });
    for (const [, { Properties }] of resourcesOf(json, 'AWS::Lambda::EventInvokeConfig')) {
      assert.equal(Properties.MaximumRetryAttempts, 0);
      assert.equal(Properties.MaximumEventAgeInSeconds, 300, 'a throttled run is tried again');
    }
  });
  test('wait, mappings too, until the role may do what they do', () => {
    for (const [id, { DependsOn }] of [
      ...functions,
      ...resourcesOf(json, 'AWS::Lambda::EventSourceMapping'),
    ]) {
      assert.ok(
        [DependsOn ?? []].flat().some((name) => name.includes('Policy')),
        id,
      );
    }
  });
  test('trace only where the stage says so', () => {
    const traced = templateJson('prod', { tracing: true });
    for (const [, { Properties }] of resourcesOf(traced, 'AWS::Lambda::Function')) {
      assert.equal(Properties.TracingConfig.Mode, 'Active');
    }
    for (const [, { Properties }] of functions) assert.notEqual(Properties.TracingConfig?.Mode, 'Active');
  });
});

test('the retry parameter has its path and first values', () => {
  production.hasResourceProperties('AWS::SSM::Parameter', {
    Name: '/tally/prod/retries',
    Type: 'String',
    Value: JSON.stringify({
      attempts: 3,
      backoffBaseSeconds: 5,
      backoffCapSeconds: 300,
      backoffJitter: 0.5,
      redrivePerSecond: 50,
      redriveDelaySeconds: 60,
      redriveDelayCapSeconds: 900,
      redriveDelayGrowth: 2,
      redriveRounds: 5,
    }),
  });
});

test("an operator's commands find the resources by the stage alone", () => {
  const [, { Properties }] =
    resourcesOf(json, 'AWS::SSM::Parameter').find(([id]) => id.startsWith('Resources')) ?? assert.fail();
  assert.equal(Properties.Name, '/tally/prod/resources');
  const text = Properties.Value['Fn::Join'][1]
    .map((piece: string | { Ref: string }) => (typeof piece === 'string' ? piece : piece.Ref))
    .join('');
  const { settings, ...resources } = JSON.parse(text);
  assert.deepEqual(settings, {
    streamGeneration: '1',
    hashSlots: 16,
    minuteRetentionDays: 'forever',
    hourRetentionDays: 'forever',
    dayRetentionDays: 'forever',
    rawRetentionDays: 90,
    deltaRetentionDays: 60,
    ledgerRetentionDays: 60,
  });
  const names = Object.entries(resources).map(([name, id]) => [name, String(id).replace(/[0-9A-F]{8}$/, '')]);
  assert.deepEqual(Object.fromEntries(names), {
    streamName: 'EventsStream',
    rollupQueueUrl: 'RollupsMessages',
    deadLetterQueueUrl: 'RollupsDeadLetters',
    archiveBucket: 'ArchiveBucket',
    countsTable: 'TablesCounters',
    ledgerTable: 'TablesLedger',
    retryParameter: 'Retries',
  });
});

describe('the local stage', () => {
  test('has every resource of production except keys', () => {
    const shape = (resources: object) =>
      Object.entries(resources)
        .map(([id, { Type }]) => `${Type} ${id.replace(/prod|local/g, '').replace(/[0-9a-fA-F]{8,}.*$/, '')}`)
        .filter((line) => !/ApiKey|UsagePlan/.test(line))
        .sort();
    assert.deepEqual(shape(local.Resources), shape(json.Resources));
  });
  test('shows a count soon, accepts logs of any age, and needs no key', () => {
    const [stream, queue] = ['Aggregator', 'Writer'].map(
      (room) => resourceOf(local, 'AWS::Lambda::EventSourceMapping', room).Properties,
    );
    assert.equal(stream.MaximumBatchingWindowInSeconds, 1);
    assert.equal(queue.BatchSize, 10);
    assert.equal(environmentOf('aggregator', local)['ACCEPT_PAST_SECONDS'], 'forever');
    assert.equal(environmentOf('aggregator', local)['LEDGER_RETENTION_SECONDS'], 'forever');
    assert.equal(environmentOf('aggregator', local)['POWERTOOLS_LOG_LEVEL'], 'WARN');
    assert.equal(environmentOf('aggregator', local)['NODE_OPTIONS'], undefined);
    assert.equal(resourcesOf(local, 'AWS::ApiGateway::UsagePlan').length, 0);
    for (const [, { Properties }] of resourcesOf(local, 'AWS::ApiGateway::Method')) {
      assert.notEqual(Properties.ApiKeyRequired, true);
    }
  });
});

function environmentOf(noun: string, template = json): Record<string, unknown> {
  const [, found] =
    resourcesOf(template, 'AWS::Lambda::Function').find(
      ([, { Metadata }]) => Metadata?.['tally:entry'] === `lambdas/${noun}/handler.ts`,
    ) ?? assert.fail(noun);
  return found.Properties.Environment.Variables;
}
