// A data folder: what a killed process left is available to the next one.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { createAwsJsonClient } from '../../local/emulators/aws-json.ts';
import type { Endpoints } from '../../local/emulators/emulators.ts';
import { asObject } from '../../local/json.ts';
import { temporaryFolder } from '../support/folder.ts';
import { patient } from '../support/patience.ts';
import { textsOf } from './support/emulators.ts';
import { createInbox } from './support/inbox.ts';
import { type Child, startNode } from './support/processes.ts';
import { type Invocation, type Order, startRelay } from './support/relay.ts';

const dataDir = temporaryFolder();
let decide: (invocation: Invocation) => Order = () => ({ return: null });
const invocations = createInbox<Invocation>();
const relayUrl = await startRelay((invocation) => {
  invocations.add(invocation);
  return decide(invocation);
});

async function start(): Promise<{
  child: Child;
  endpoints: Endpoints;
  clients: ReturnType<typeof clientsOf>;
}> {
  const child = startNode([join(import.meta.dirname, 'fixtures', 'run-stack.ts'), relayUrl, dataDir]);
  const { endpoints } = JSON.parse(await child.line(/^\{"url"/)) as { endpoints: Endpoints };
  return { child, endpoints, clients: clientsOf(endpoints) };
}

function clientsOf(endpoints: Endpoints) {
  return {
    kinesis: createAwsJsonClient('kinesis', endpoints.kinesis),
    sqs: createAwsJsonClient('sqs', endpoints.sqs),
    dynamodb: createAwsJsonClient('dynamodb', endpoints.dynamodb),
  };
}

type Clients = ReturnType<typeof clientsOf>;

async function put({ kinesis }: Clients, text: string): Promise<bigint> {
  const Data = Buffer.from(text).toString('base64');
  const { SequenceNumber } = await kinesis.call('PutRecord', {
    StreamName: 'Stream',
    Data,
    PartitionKey: text,
  });
  return BigInt(String(SequenceNumber));
}

const textsRead = () =>
  invocations.all
    .filter(({ functionName }) => functionName === 'Query')
    .flatMap(({ event }) => textsOf(event));
const bodiesWritten = () =>
  invocations.all
    .filter(({ functionName }) => functionName === 'Writer')
    .flatMap(({ event }) => event.Records.map((record: { body: string }) => record.body));

test('nothing is lost when the process is killed, again and again', patient, async () => {
  const sequenceNumbers: bigint[] = [];
  let { child, endpoints, clients } = await start();
  const queue = () => `${endpoints.sqs}/000000000000/Queue`;
  sequenceNumbers.push(await put(clients, 'handled'));
  await invocations.until(() => textsRead().includes('handled'));
  await clients.dynamodb.call('PutItem', { TableName: 'Table', Item: { pk: { S: 'kept' }, n: { N: '1' } } });
  await fetch(`${endpoints.s3}/bucket/kept`, { method: 'PUT', body: 'object' });

  // One record and one message are being handled when the process is killed, others wait.
  decide = () => undefined;
  sequenceNumbers.push(await put(clients, 'being handled'));
  await invocations.until(() => textsRead().includes('being handled'));
  sequenceNumbers.push(await put(clients, 'waiting'));
  await clients.sqs.call('SendMessage', { QueueUrl: queue(), MessageBody: 'in flight' });
  await invocations.until(() => bodiesWritten().includes('in flight'));
  await clients.sqs.call('SendMessage', { QueueUrl: queue(), MessageBody: 'delayed', DelaySeconds: 1 });
  child.process.kill('SIGKILL');
  assert.equal(await child.exited, 'SIGKILL');

  decide = () => ({ return: null });
  // On a busy machine some came twice already: a function that does not answer times out.
  const [readBefore, writtenBefore] = [textsRead().length, bodiesWritten().length];
  ({ child, endpoints, clients } = await start());
  await invocations.until(() => textsRead().slice(readBefore).includes('waiting'));
  assert.deepEqual([...new Set(textsRead().slice(readBefore))], ['being handled', 'waiting']);
  await invocations.until(() => bodiesWritten().slice(writtenBefore).includes('in flight'));
  await invocations.until(() => bodiesWritten().includes('delayed'));
  const { Item } = await clients.dynamodb.call('GetItem', { TableName: 'Table', Key: { pk: { S: 'kept' } } });
  assert.deepEqual(asObject(Item)['n'], { N: '1' });
  assert.equal(await (await fetch(`${endpoints.s3}/bucket/kept`)).text(), 'object');
  sequenceNumbers.push(await put(clients, 'after'));
  await invocations.until(() => textsRead().includes('after'));

  child.process.kill('SIGTERM');
  assert.equal(await child.exited, 0);
  ({ child, endpoints, clients } = await start());
  sequenceNumbers.push(await put(clients, 'after a clean stop'));
  await invocations.until(() => textsRead().includes('after a clean stop'));
  assert.equal(textsRead().filter((text) => text === 'after').length, 1);
  for (const [index, number] of sequenceNumbers.entries()) {
    assert.ok(index === 0 || number > (sequenceNumbers[index - 1] ?? 0n), `${index}`);
  }

  const second = startNode([join(import.meta.dirname, 'fixtures', 'run-stack.ts'), relayUrl, dataDir]);
  assert.equal(await second.exited, 1);
  assert.match(second.lines.all.join('\n'), /Another local stack is running with the data folder/);
  child.process.kill('SIGTERM');
  assert.equal(await child.exited, 0);
});
