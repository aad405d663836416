// Reading a template: intrinsic functions, names from logical ids, and no silent skips.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Json, JsonObject } from '../../local/json.ts';
import { readTemplate } from '../../local/template/template.ts';

const naming = { queueEndpoint: 'http://127.0.0.1:1' };

/** A template with a stream whose encryption, which the local stack does not look at, is this value. */
function resolved(value: Json, Resources: JsonObject = {}): Json | undefined {
  const Subject = { Type: 'AWS::Kinesis::Stream', Properties: { StreamEncryption: value } };
  return readTemplate({ Resources: { ...Resources, Subject } }, naming).find('Subject')?.properties[
    'StreamEncryption'
  ];
}

const queue = { Rollups: { Type: 'AWS::SQS::Queue' } };

describe('values', () => {
  const cases: readonly [name: string, value: Json, wanted: Json][] = [
    ['plain', { a: [1, 'x', null, true] }, { a: [1, 'x', null, true] }],
    ['Ref of a queue is its URL', { Ref: 'Rollups' }, 'http://127.0.0.1:1/000000000000/Rollups'],
    ['pseudo parameters', [{ Ref: 'AWS::Region' }, { Ref: 'AWS::Partition' }], ['us-east-1', 'aws']],
    ['GetAtt', { 'Fn::GetAtt': ['Rollups', 'Arn'] }, 'arn:aws:sqs:us-east-1:000000000000:Rollups'],
    ['Join', { 'Fn::Join': ['-', ['a', { Ref: 'AWS::Partition' }, 3]] }, 'a-aws-3'],
    ['a property that is called Ref', { Ref: 'Nothing', x: 1 }, { Ref: 'Nothing', x: 1 }],
  ];
  for (const [name, value, wanted] of cases) {
    test(name, () => assert.deepEqual(resolved(value, queue), wanted));
  }
});

describe('refusals', () => {
  const stream = (body: JsonObject): Json => ({ Resources: { Subject: body } });

  test('an unknown function', () => {
    assert.throws(() => resolved({ 'Fn::Cidr': ['10.0.0.0/16', 6] }), /Fn::Cidr.*template\.ts/);
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
