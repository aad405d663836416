// Least privilege: the whole table of what each role may do, to what. Anything more, or less, fails.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { resourcesOf, templateJson } from '../support/stack-template.ts';

const template = templateJson('prod');

/** Role to resource to actions; resources by the start of their logical id. */
const TABLE: Record<string, Record<string, string[]>> = {
  Aggregator: {
    EventsStream: [
      'kinesis:DescribeStream',
      'kinesis:DescribeStreamSummary',
      'kinesis:GetRecords',
      'kinesis:GetShardIterator',
      'kinesis:ListShards',
      'kinesis:ListStreams',
    ],
    TablesLedger: ['dynamodb:GetItem', 'dynamodb:PutItem', 'dynamodb:Query', 'dynamodb:UpdateItem'],
    RollupsMessages: ['sqs:SendMessage'],
    'ArchiveBucket/rejected/*': ['s3:PutObject'],
    // What CDK's S3OnFailureDestination grants, below Lambda's prefix.
    'ArchiveBucket/aws/lambda/*': [
      's3:Abort*',
      's3:DeleteObject*',
      's3:GetObject*',
      's3:PutObject',
      's3:PutObjectLegalHold',
      's3:PutObjectRetention',
      's3:PutObjectTagging',
      's3:PutObjectVersionTagging',
    ],
    ArchiveBucket: ['s3:GetBucket*', 's3:List*'],
    AggregatorLogs: ['logs:CreateLogStream', 'logs:PutLogEvents'],
  },
  Writer: {
    TablesCounters: ['dynamodb:GetItem', 'dynamodb:PutItem'],
    TablesLedger: ['dynamodb:GetItem', 'dynamodb:UpdateItem'],
    RollupsMessages: [
      'sqs:ChangeMessageVisibility',
      'sqs:DeleteMessage',
      'sqs:GetQueueAttributes',
      'sqs:ReceiveMessage',
    ],
    RollupsDeadLetters: ['sqs:SendMessage'],
    'ArchiveBucket/expired/*': ['s3:PutObject'],
    Retries: ['ssm:GetParameter'],
    WriterLogs: ['logs:CreateLogStream', 'logs:PutLogEvents'],
  },
  Redriver: {
    RollupsDeadLetters: ['sqs:ChangeMessageVisibility', 'sqs:DeleteMessage', 'sqs:ReceiveMessage'],
    RollupsMessages: ['sqs:SendMessage'],
    'ArchiveBucket/parked/*': ['s3:PutObject'],
    'ArchiveBucket/expired/*': ['s3:PutObject'],
    TablesLedger: ['dynamodb:GetItem', 'dynamodb:UpdateItem'],
    TablesCounters: ['dynamodb:GetItem', 'dynamodb:PutItem'],
    Retries: ['ssm:GetParameter'],
    RedriverLogs: ['logs:CreateLogStream', 'logs:PutLogEvents'],
  },
  Accountant: {
    TablesLedger: [
      'dynamodb:BatchGetItem',
      'dynamodb:GetItem',
      'dynamodb:PutItem',
      'dynamodb:Query',
      'dynamodb:UpdateItem',
    ],
    EventsStream: ['kinesis:ListShards'],
    AccountantLogs: ['logs:CreateLogStream', 'logs:PutLogEvents'],
  },
  Compactor: {
    TablesCounters: [
      'dynamodb:BatchGetItem',
      'dynamodb:GetItem',
      'dynamodb:PutItem',
      'dynamodb:Query',
      'dynamodb:UpdateItem',
    ],
    TablesLedger: ['dynamodb:BatchGetItem', 'dynamodb:GetItem', 'dynamodb:Query', 'dynamodb:UpdateItem'],
    EventsStream: ['kinesis:ListShards'],
    CompactorLogs: ['logs:CreateLogStream', 'logs:PutLogEvents'],
  },
  Canary: {
    EventsStream: ['kinesis:ListShards', 'kinesis:PutRecords'],
    'FrontDoorApi/prod/GET/v1/admin/counts/*': ['execute-api:Invoke'],
    CanaryLogs: ['logs:CreateLogStream', 'logs:PutLogEvents'],
  },
  Query: {
    TablesCounters: ['dynamodb:BatchGetItem', 'dynamodb:GetItem', 'dynamodb:Query'],
    TablesLedger: ['dynamodb:BatchGetItem', 'dynamodb:GetItem', 'dynamodb:Query'],
    EventsStream: ['kinesis:GetRecords', 'kinesis:GetShardIterator', 'kinesis:ListShards'],
    QueryLogs: ['logs:CreateLogStream', 'logs:PutLogEvents'],
  },
  Console: { ConsoleLogs: ['logs:CreateLogStream', 'logs:PutLogEvents'] },
  'FrontDoor/Put': { EventsStream: ['kinesis:PutRecords'] },
};

test('each role may do what its part does, on the resources it uses, and nothing else', () => {
  assert.deepEqual(permissions(), sorted(TABLE));
});

test('a stage that archives raw events lets the aggregator put them, and no function read them', () => {
  const withRaw = permissions(templateJson('prod', { archiveRawEvents: true }));
  const { Aggregator: aggregator = {}, ...others } = TABLE;
  assert.deepEqual(
    withRaw,
    sorted({
      ...others,
      Aggregator: { ...aggregator, 'ArchiveBucket/raw/*': ['s3:PutObject'] },
    }),
  );
});

test("the only managed policy is that of the account's role for API Gateway's logs", () => {
  const managed = resourcesOf(template, 'AWS::IAM::Role').filter(
    ([, { Properties }]) => Properties.ManagedPolicyArns,
  );
  assert.deepEqual(
    managed.map(([id]) => id.replace(/[0-9A-F]{8}$/, '')),
    ['FrontDoorApiCloudWatchRole'],
  );
  const without = templateJson('prod', { gatewayLogsRole: false });
  assert.equal(resourcesOf(without, 'AWS::ApiGateway::Account').length, 0);
});

test('roles have no other policies, and can be assumed only by their service', () => {
  for (const [id, { Properties }] of resourcesOf(template, 'AWS::IAM::Role')) {
    assert.equal(Properties.Policies, undefined, id);
    const [statement, ...more] = Properties.AssumeRolePolicyDocument.Statement;
    assert.equal(more.length, 0);
    assert.match(statement.Principal.Service, /^(lambda|apigateway)\.amazonaws\.com$/, id);
  }
});

test('functions may be invoked only by their routes and rules', () => {
  for (const [id, { Properties }] of resourcesOf(template, 'AWS::Lambda::Permission')) {
    assert.ok(Properties.SourceArn, id);
    assert.match(Properties.Principal, /^(apigateway|events)\.amazonaws\.com$/, id);
  }
});

interface Statement {
  readonly Effect: string;
  readonly Action: string | string[];
  readonly Resource: unknown;
  readonly Condition?: unknown;
}

function permissions(of = template): Record<string, Record<string, string[]>> {
  const table: Record<string, Record<string, string[]>> = {};
  for (const [, { Properties }] of resourcesOf(of, 'AWS::IAM::Policy')) {
    const role = String(Properties.Roles[0].Ref).replace(/Role[0-9A-F]{8}$/, '');
    const name = Object.keys(TABLE).find((known) => known.replace('/', '') === role) ?? role;
    const row = table[name] ?? {};
    table[name] = row;
    for (const statement of Properties.PolicyDocument.Statement as Statement[]) {
      assert.equal(statement.Effect, 'Allow');
      for (const resource of [statement.Resource].flat()) {
        const shown = showResource(resource);
        row[shown] = [...(row[shown] ?? []), ...[statement.Action].flat()];
      }
    }
  }
  return sorted(table);
}

/** `{Fn::GetAtt: [id, Arn]}`, or a join of it with a suffix, as the id without its hash and the suffix. */
function showResource(resource: unknown): string {
  const text = JSON.stringify(resource);
  const ids = [...text.matchAll(/"(?:Fn::GetAtt":\["|Ref":")(?!AWS::)(\w+?)[0-9A-F]{8}"/g)].map(
    (match) => match[1],
  );
  const suffix = /"(\/[^"]+\*)"\]/.exec(text)?.[1] ?? '';
  assert.equal(ids.length, 1, text);
  return `${ids[0]}${suffix}`;
}

function sorted(table: Record<string, Record<string, string[]>>): Record<string, Record<string, string[]>> {
  return Object.fromEntries(
    Object.entries(table).map(([role, row]) => [
      role,
      Object.fromEntries(Object.entries(row).map(([resource, actions]) => [resource, actions.toSorted()])),
    ]),
  );
}
