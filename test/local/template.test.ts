// Reading a template: intrinsic functions, names from logical ids, and no silent skips.
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: CloudFormation's.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Json, JsonObject } from '../../local/json.ts';
import { readTemplate } from '../../local/template/template.ts';

const naming = { queueEndpoint: 'http://127.0.0.1:1' };

/** The value that a stream's name has in a template with these parts. */
function resolved(value: Json, parts: JsonObject = {}): Json | undefined {
  const { Resources, ...others } = parts;
  const template = readTemplate(
    {
      ...others,
      Resources: {
        ...(Resources as JsonObject | undefined),
        Subject: { Type: 'AWS::Kinesis::Stream', Properties: { Tags: value } },
      },
    },
    naming,
  );
  return template.find('Subject')?.properties['Tags'];
}

const queue = { Resources: { Rollups: { Type: 'AWS::SQS::Queue' } } };

describe('values', () => {
  const cases: readonly [name: string, value: Json, wanted: Json | undefined, parts?: JsonObject][] = [
    ['plain', { a: [1, 'x', null, true] }, { a: [1, 'x', null, true] }],
    ['Ref of a queue is its URL', { Ref: 'Rollups' }, 'http://127.0.0.1:1/000000000000/Rollups', queue],
    [
      'Ref of a parameter is its default',
      { Ref: 'Version' },
      '7',
      { Parameters: { Version: { Type: 'String', Default: '7' } } },
    ],
    ['pseudo parameters', [{ Ref: 'AWS::Region' }, { Ref: 'AWS::Partition' }], ['us-east-1', 'aws']],
    [
      'GetAtt as a list',
      { 'Fn::GetAtt': ['Rollups', 'Arn'] },
      'arn:aws:sqs:us-east-1:000000000000:Rollups',
      queue,
    ],
    ['GetAtt as text', { 'Fn::GetAtt': 'Rollups.QueueName' }, 'Rollups', queue],
    ['Join', { 'Fn::Join': ['-', ['a', { Ref: 'AWS::Partition' }, 3]] }, 'a-aws-3'],
    [
      'Sub with text',
      { 'Fn::Sub': '${Rollups.Arn}/${!Literal}' },
      'arn:aws:sqs:us-east-1:000000000000:Rollups/${Literal}',
      queue,
    ],
    [
      'Sub with variables',
      { 'Fn::Sub': ['${X}${AWS::Partition}', { X: { 'Fn::Join': ['', ['y']] } }] },
      'yaws',
    ],
    ['Select of Split', { 'Fn::Select': [1, { 'Fn::Split': ['/', 'a/b/c'] }] }, 'b'],
    ['If', { 'Fn::If': ['Local', 1, 2] }, 1, { Conditions: { Local: { 'Fn::Equals': ['a', 'a'] } } }],
    [
      'And, Or, Not, Condition',
      { 'Fn::If': ['All', 1, 2] },
      1,
      {
        Conditions: {
          Yes: { 'Fn::Equals': [{ Ref: 'AWS::Partition' }, 'aws'] },
          All: {
            'Fn::And': [
              { Condition: 'Yes' },
              { 'Fn::Or': [{ 'Fn::Not': [{ Condition: 'Yes' }] }, { Condition: 'Yes' }] },
            ],
          },
        },
      },
    ],
    ['NoValue', { a: { Ref: 'AWS::NoValue' }, b: [1, { Ref: 'AWS::NoValue' }] }, { b: [1] }],
    [
      'NoValue of an If',
      { a: { 'Fn::If': ['No', 1, { Ref: 'AWS::NoValue' }] }, b: 2 },
      { b: 2 },
      { Conditions: { No: { 'Fn::Equals': ['a', 'b'] } } },
    ],
    ['FindInMap', { 'Fn::FindInMap': ['M', 'a', 'b'] }, 5, { Mappings: { M: { a: { b: 5 } } } }],
    [
      'a property that is called Condition',
      { Condition: { Bool: {} }, x: 1 },
      { Condition: { Bool: {} }, x: 1 },
    ],
  ];
  for (const [name, value, wanted, parts] of cases) {
    test(name, () => assert.deepEqual(resolved(value, parts), wanted));
  }
});

describe('refusals', () => {
  const stream = (body: JsonObject): Json => ({ Resources: { Subject: body } });

  test('an unknown function', () => {
    assert.throws(() => resolved({ 'Fn::Cidr': ['10.0.0.0/16', 6] }), /Fn::Cidr.*intrinsics\.ts/);
  });
  test('an unknown resource', () => {
    assert.throws(() => resolved({ Ref: 'Nothing' }), /"Nothing"/);
  });
  test('an unknown attribute', () => {
    assert.throws(() => resolved({ 'Fn::GetAtt': ['Rollups', 'Colour'] }, queue), /Colour of Rollups/);
  });
  test('an unknown type, saying what to do', () => {
    const template = stream({ Type: 'AWS::Redshift::Cluster', Properties: {} });
    assert.throws(() => readTemplate(template, naming), /AWS::Redshift::Cluster.*resource-types\.ts/);
  });
  test('an unknown property of a type that runs', () => {
    const template = stream({ Type: 'AWS::SQS::Queue', Properties: { FifoQueue: true } });
    assert.throws(() => readTemplate(template, naming), /FifoQueue of AWS::SQS::Queue/);
  });
  test('a parameter without a default', () => {
    assert.throws(
      () => resolved({ Ref: 'Secret' }, { Parameters: { Secret: { Type: 'String' } } }),
      /"Secret".*default/,
    );
  });
});

test('a resource whose condition does not hold is not there', () => {
  const template = readTemplate(
    {
      Conditions: { Never: { 'Fn::Equals': ['a', 'b'] } },
      Resources: { Subject: { Type: 'AWS::SQS::Queue', Condition: 'Never' } },
    },
    naming,
  );
  assert.deepEqual(template.resources, []);
});

test('properties without a local meaning may hold what has no local value', () => {
  const template = readTemplate(
    {
      Resources: {
        Subject: {
          Type: 'AWS::Lambda::Function',
          Properties: { Code: { S3Bucket: { 'Fn::ImportValue': 'x' } }, Timeout: 7 },
        },
      },
    },
    naming,
  );
  assert.equal(template.find('Subject')?.properties['Timeout'], 7);
});
