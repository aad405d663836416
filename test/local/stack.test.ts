// The whole local stack over a small template: from a request to a function, from a queue to its dead letters.
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { networkInterfaces } from 'node:os';
import { after, test } from 'node:test';
import { createAwsJsonClient } from '../../local/emulators/aws-json.ts';
import { asObject } from '../../local/json.ts';
import { startLocalStack } from '../../local/stack.ts';
import { patient } from '../support/patience.ts';
import { smallTemplate } from './fixtures/small-template.ts';
import { textsOf } from './support/emulators.ts';
import { createInbox } from './support/inbox.ts';
import { type Invocation, type Order, startRelay } from './support/relay.ts';

/** What is waited for takes seconds; a test that waits in vain shall fail, not hang. */

let decide: (invocation: Invocation) => Order = () => ({ return: null });
const invocations = createInbox<Invocation>();
const relayUrl = await startRelay((invocation) => {
  invocations.add(invocation);
  return decide(invocation);
});
const stack = await startLocalStack({ template: smallTemplate(relayUrl), schedules: false });
const sqs = createAwsJsonClient('sqs', stack.endpoints.sqs);
after(() => stack.stop());

const refOf = (logicalId: string) => stack.template.find(logicalId)?.ref ?? '';
const put = (body: string) =>
  fetch(`${stack.url}/put`, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
const of = (name: string) => invocations.all.filter((invocation) => invocation.functionName === name);

test('a request reaches the function behind the stream', patient, async () => {
  assert.equal((await put('{"hello":"é"}')).status, 202);
  await invocations.until(() => of('Query').length === 1);
  assert.deepEqual(textsOf(of('Query')[0]?.event), ['{"hello":"é"}']);
});

test('functions know their resources', patient, async () => {
  const outcome = await stack.invoke('Answering', { any: 'event' });
  assert.ok(outcome.ok);
  const { env } = of('Answering').at(-1) ?? {};
  assert.equal(env?.['QUEUE_URL'], refOf('Queue'));
  assert.equal(env?.['AWS_ENDPOINT_URL_SQS'], stack.endpoints.sqs);
  assert.equal(env?.['AWS_LAMBDA_FUNCTION_NAME'], 'Answering');
  assert.equal(env?.['PATH'], undefined);
});

test('a message that always fails ends in the dead-letter queue', patient, async () => {
  decide = ({ functionName }) => (functionName === 'Writer' ? { throw: 'no' } : { return: null });
  await sqs.call('SendMessage', { QueueUrl: refOf('Queue'), MessageBody: 'poison' });
  let body: unknown;
  while (body === undefined) {
    const { Messages } = await sqs.call('ReceiveMessage', {
      QueueUrl: refOf('DeadLetters'),
      WaitTimeSeconds: 5,
    });
    body = asObject((Messages as unknown[] | undefined)?.[0])['Body'];
  }
  assert.equal(body, 'poison');
  assert.equal(of('Writer').length, 2);
  decide = () => ({ return: null });
});

test('tables, buckets and parameters are there', patient, async () => {
  const dynamodb = createAwsJsonClient('dynamodb', stack.endpoints.dynamodb);
  const ssm = createAwsJsonClient('ssm', stack.endpoints.ssm);
  assert.deepEqual(await dynamodb.call('ListTables', {}), { TableNames: ['Table'] });
  const { Parameter } = await ssm.call('GetParameter', { Name: '/small/retries' });
  assert.equal(asObject(Parameter)['Value'], '{"attempts":3}');
  const put = await fetch(`${stack.endpoints.s3}/bucket/key`, { method: 'PUT', body: 'x' });
  assert.equal(put.status, 200);
});

test('emulators survive interrupted requests', patient, async () => {
  for (const endpoint of [stack.endpoints.dynamodb, stack.endpoints.kinesis, stack.endpoints.sqs]) {
    const { port } = new URL(endpoint);
    const socket = connect(Number(port), '127.0.0.1');
    await new Promise<void>((resolve) => socket.once('connect', () => resolve()));
    await new Promise<void>((resolve) => {
      socket.write('POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{', () => resolve());
    });
    const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
    socket.destroy();
    await closed;
  }
  const kinesis = createAwsJsonClient('kinesis', stack.endpoints.kinesis);
  assert.deepEqual((await kinesis.call('ListStreams', {}))['StreamNames'], ['Stream']);
  assert.ok((await sqs.call('ListQueues', {}))['QueueUrls'] !== undefined);
});

test('emulators listen on this machine only', patient, async () => {
  const outside = Object.values(networkInterfaces())
    .flat()
    .find((address) => address?.family === 'IPv4' && !address.internal)?.address;
  if (outside === undefined) return;
  for (const endpoint of [stack.url, ...Object.values(stack.endpoints)]) {
    await assert.rejects(fetch(endpoint.replace('127.0.0.1', outside)), endpoint);
  }
});

test('a service fault reaches the client until it is removed', patient, async () => {
  stack.setFault(() => ({ status: 500, headers: {}, body: '{}' }));
  assert.equal((await put('{}')).status, 500);
  stack.setFault(undefined);
  assert.equal((await put('{}')).status, 202);
});

test('a stack with an unknown template does not start, and leaves nothing behind', patient, async () => {
  const template = { Resources: { Cluster: { Type: 'AWS::Redshift::Cluster' } } };
  await assert.rejects(startLocalStack({ template }), { name: 'LocalStackError' });
});
