// One of everything: what each function does in good days and bad, on the drill's clock.
import assert from 'node:assert/strict';
import { GetItemCommand } from '@aws-sdk/client-dynamodb';
import { dynamoDb } from '../../../lambdas/aws/clients/dynamo-db.ts';
import { deltasOf } from '../../../lambdas/core/delta.ts';
import { parseShardId, segmentId, shardKey } from '../../../lambdas/core/identifiers.ts';
import { rollUp } from '../../../lambdas/core/rollup.ts';
import { planSegment } from '../../../lambdas/core/segment.ts';
import { emittedEntry, lostEntry } from '../../../lambdas/core/segment-entry.ts';
import { LedgerTable } from '../../../lambdas/ledger/ledger-table.ts';
import { storeKeys } from '../../../lambdas/store/store-items.ts';
import { StoreTable } from '../../../lambdas/store/store-table.ts';
import { credentials, region } from '../../../local/identity.ts';
import { asList, asObject, asText } from '../../../local/json.ts';
import { rollupQueueIn } from '../../../local/template/names.ts';
import type { Drill } from '../../../proof/drill/drill.ts';
import { METRIC } from '../../../proof/drill/oracle.ts';
import { countersAway, SCENARIOS } from '../../../proof/drill/scenarios.ts';
import { CONFIG, record } from '../../support/records.ts';

const SIGNED = { authorization: 'AWS4-HMAC-SHA256 Credential=local, SignedHeaders=host, Signature=0' };
const DAY_MS = 86_400_000;

/** Each of them, in an order that works. The drill's first minutes have had schedules, events and queries already. */
export const STEPS: Readonly<Record<string, (drill: Drill) => Promise<void>>> = {
  rejected,
  appliedTwice,
  deadAndBack,
  parked,
  splitShard,
  expired,
  trimmed,
  vanished,
  open,
};

/** An event that can never be counted is kept. */
async function rejected(drill: Drill): Promise<void> {
  const at = drill.clock.nowMs() + DAY_MS;
  const answer = await post(drill, [{ id: 'future', metric: 'view', entity: '/future', at }]);
  assert.equal(answer, 202);
  await drill.minute();
  for (const by of ['minute', 'hour', 'day', 'month', 'total']) {
    await read(drill, `/v1/counts/${METRIC}/%2F?by=${by}`);
  }
  await read(drill, `/v1/top/${METRIC}`);
  await read(drill, '/v1/metrics');
}

/** Deltas of two segments that are stored, and the answers lost: the writer finds them there. */
async function appliedTwice(drill: Drill): Promise<void> {
  const writer = drill.mapping('writer');
  await writer.pause();
  for (const id of ['first', 'second']) {
    await post(drill, [{ id, metric: 'view', entity: '/twice' }]);
    await drill.minute({ requests: 0 });
  }
  const counters = drill.nameOf('AWS::DynamoDB::Table', 'Counters');
  let lost = 0;
  drill.stack.setFault(({ action, body }) => {
    if (action !== 'PutItem' || !body.includes(`"${counters}"`) || lost > 3) return 'pass';
    lost += 1;
    return 'lose-answer';
  });
  writer.resume();
  await drill.minute();
  drill.stack.setFault(undefined);
  assert.ok(lost > 0);
}

/** Counters that refuse until attempts are used up: delayed, dead, noted, probed, held until a run ends, returned. */
async function deadAndBack(drill: Drill): Promise<void> {
  drill.stack.setFault(countersAway(drill));
  for (let minute = 0; minute < 4; minute += 1) await drill.minute();
  const refusal = { status: 500, headers: {}, body: '{}' };
  drill.stack.setFault(({ action }) => (action === 'SendMessage' ? refusal : 'pass'));
  await drill.minute({ patienceMs: 3_000 });
  drill.stack.setFault(undefined);
  for (let minute = 0; minute < 3; minute += 1) await drill.minute();
}

/** Parked and sent back: the drill's scenario of a wrong parameter, without its judge. */
async function parked(drill: Drill): Promise<void> {
  const scenario = SCENARIOS.find(({ name }) => name === 'wrong-parameter');
  assert.ok(scenario);
  await scenario.play({
    drill,
    say: () => {},
    breaks: () => {},
    minutes: async (count, options) => {
      for (let minute = 0; minute < count; minute += 1) await drill.minute(options);
    },
    untilAlarm: async (_, minutesMax) => {
      for (let minute = 0; minute < minutesMax; minute += 1) await drill.minute();
    },
    operator: async (_section, _command, act) => act(),
    operatorRuns: (_section, args) => drill.tally(...args),
  });
  await drill.minute();
}

/** A shard that is split: its children read it to its end first. */
async function splitShard(drill: Drill): Promise<void> {
  const StreamName = drill.nameOf('AWS::Kinesis::Stream', 'Events');
  const { Shards } = await drill.stack.call('kinesis', 'ListShards', { StreamName });
  const [shard] = asList(Shards).map(asObject);
  const { StartingHashKey, EndingHashKey } = asObject(shard?.['HashKeyRange']);
  const [from, to] = [StartingHashKey, EndingHashKey].map((key) => BigInt(asText(key) ?? '0'));
  await drill.stack.call('kinesis', 'SplitShard', {
    StreamName,
    ShardToSplit: asText(shard?.['ShardId']) ?? '',
    NewStartingHashKey: String(((from ?? 0n) + (to ?? 0n)) / 2n),
  });
  for (let minute = 0; minute < 3; minute += 1) await drill.minute();
}

/** Rows that wait until their counter items may be deleted: in the queue, as dead letters, and a copy of counted ones. */
async function expired(drill: Drill): Promise<void> {
  drill.stack.setFault(countersAway(drill));
  for (let minute = 0; minute < 4; minute += 1) await drill.minute();
  assert.ok((await drill.stack.status()).dead > 0);
  const writer = drill.mapping('writer');
  await writer.pause();
  await drill.minute();
  drill.stack.setFault(undefined);
  drill.clock.forward(50 * DAY_MS);
  assert.ok((await replayParked(drill)) > 0);
  writer.resume();
  for (let minute = 0; minute < 2; minute += 1) await drill.minute();
  const status = await drill.stack.status();
  assert.ok(status.expired > 0, JSON.stringify(status));
}

/** A segment that is planned and cannot be sent until the stream has dropped its records: it is lost, and named. */
async function trimmed(drill: Drill): Promise<void> {
  const aggregator = drill.mapping('aggregator');
  drill.stack.setFault(({ action }) =>
    action === 'SendMessageBatch' ? { status: 500, headers: {}, body: '{}' } : 'pass',
  );
  await drill.minute({ patienceMs: 3_000 });
  await aggregator.pause();
  drill.clock.forward(8 * DAY_MS);
  drill.stack.setFault(undefined);
  await drill.minute({ patienceMs: 0 });
  aggregator.resume();
  while ((await drill.stack.status()).lost === 0) await drill.minute({ patienceMs: 1_000 });
}

/** A shard that the stream does not list, with a segment that was planned and produced and never sent: it is given up. */
async function vanished(drill: Drill): Promise<void> {
  const client = dynamoDb({
    endpoint: drill.stack.endpoints.dynamodb,
    region,
    credentials,
  });
  const clock = { nowMs: drill.clock.nowMs };
  const ledger = new LedgerTable(client, drill.nameOf('AWS::DynamoDB::Table', 'Ledger'), clock);
  const shard = shardKey('1', parseShardId('shardId-000000000999'));
  const plan = planSegment(undefined, [record(1, { id: 'vanished' })], CONFIG, []);
  await ledger.registerShard(shard);
  await ledger.putPlan(shard, plan);
  await ledger.putEntryIfAbsent(shard, { ...lostEntry(plan), lost: false });
  while ((await ledger.readHead(shard))?.status !== 'sent') await drill.minute({ patienceMs: 0 });
  client.destroy();
}

/** A segment that is open for over a day: the delta of its counted part does not expire. */
async function open(drill: Drill): Promise<void> {
  const client = dynamoDb({ endpoint: drill.stack.endpoints.dynamodb, region, credentials });
  const clock = { nowMs: drill.clock.nowMs };
  const [counters, ledgerTable] = ['Counters', 'Ledger'].map((id) =>
    drill.nameOf('AWS::DynamoDB::Table', id),
  );
  const ledger = new LedgerTable(client, ledgerTable ?? '', clock);
  const shard = shardKey('1', parseShardId('shardId-000000000998'));
  const records = [record(1, { id: 'open' })];
  const plan = planSegment(undefined, records, CONFIG, []);
  const output = rollUp(records, { seen: () => false }, CONFIG);
  const [delta] = deltasOf(segmentId(shard, 1), plan.runMaxMs, output.cut);
  assert.ok(delta !== undefined);
  const entry = emittedEntry(plan, output, 0);
  await ledger.registerShard(shard);
  await ledger.putPlan(shard, plan);
  await ledger.putEntryIfAbsent(shard, { ...entry, parts: [...entry.parts, ...entry.parts] });
  await ledger.markSent(shard, { ...plan, status: 'sent' });
  await new StoreTable(client, counters ?? '', clock, 60 * DAY_MS).putDelta(delta);
  await ledger.acknowledge(delta.segment, [delta.part]);
  const get = new GetItemCommand({ TableName: counters, Key: storeKeys.delta(delta) });
  while ((await client.send(get)).Item?.['expiresAt'] !== undefined) await drill.minute({ patienceMs: 0 });
  client.destroy();
}

/** Sends every parked rollup message back, twice, since an operator who is not sure does so. @returns how many there were */
async function replayParked(drill: Drill): Promise<number> {
  const bucket = drill.nameOf('AWS::S3::Bucket', 'Archive');
  const QueueUrl = rollupQueueIn(drill.stack.template).ref;
  const get = async (path: string) => (await fetch(`${drill.stack.endpoints.s3}/${bucket}${path}`)).text();
  const listed = await get('?list-type=2&prefix=parked%2F');
  const keys = [...listed.matchAll(/<Key>(parked\/(?!poison)[^<]+)<\/Key>/g)].map(([, key]) => key);
  for (const key of [...keys, ...keys]) {
    const { body } = JSON.parse(await get(`/${key}`)) as { body: string };
    await drill.stack.call('sqs', 'SendMessage', { QueueUrl, MessageBody: body });
  }
  return keys.length;
}

async function post(drill: Drill, events: readonly object[]): Promise<number> {
  const answer = await fetch(`${drill.stack.url}/v1/events`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ events }),
  });
  await answer.arrayBuffer();
  return answer.status;
}

async function read(drill: Drill, path: string): Promise<Record<string, unknown>> {
  const answer = await fetch(`${drill.stack.url}${path}`, { headers: SIGNED });
  assert.equal(answer.status, 200, path);
  return (await answer.json()) as Record<string, unknown>;
}
