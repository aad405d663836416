// Parked and discarded dead letters on a real archive and a real ledger.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ListObjectsV2Command } from '@aws-sdk/client-s3';
import { Archive } from '../../lambdas/aws/archive.ts';
import { parseShardKey, segmentId } from '../../lambdas/core/identifiers.ts';
import { unknownHistory } from '../../lambdas/core/message-history.ts';
import { rollUp } from '../../lambdas/core/rollup.ts';
import { planSegment } from '../../lambdas/core/segment.ts';
import { emittedEntry, isGivenUp, partPlace } from '../../lambdas/core/segment-entry.ts';
import { LedgerTable } from '../../lambdas/ledger/ledger-table.ts';
import { messageOf, rowOf } from '../support/messages.ts';
import { ARRIVAL_MS, CONFIG, record } from '../support/records.ts';
import { startServices } from '../support/services.ts';

const services = await startServices();
const shard = parseShardKey('1.0');
const segment = segmentId(shard, 1);
const records = [record(1, { id: 'a' })];
const output = rollUp(records, { seen: () => false }, CONFIG);
const { body } = messageOf(1, [rowOf('/a')]);
const history = unknownHistory(ARRIVAL_MS);

test('parked dead letters are listed, read, discarded and removed by name', async () => {
  const bucket = await services.bucket();
  const archive = new Archive(services.s3, bucket);
  await archive.keepParked({ messageId: 'm', body }, history);
  await archive.keepParked({ messageId: 'm-2', body: 'poison' }, history);
  const names = async () => (await Array.fromAsync(archive.names())).sort();
  assert.deepEqual(await names(), [`${segment}/0`, 'poison/m-2']);
  const message = await archive.read(`${segment}/0`);
  assert.deepEqual(message, { name: `${segment}/0`, body, history });
  assert.equal(await archive.read('1.0.9/9'), undefined);
  const discarding = { by: 'me', at: '2026-11-22T05:00:00.000Z', why: 'a test' };
  for (const _ of ['once', 'again']) {
    await archive.keepDiscarded({ name: `${segment}/0`, body, history }, discarding);
    await archive.remove(`${segment}/0`);
  }
  assert.deepEqual(await names(), ['poison/m-2']);
  const { Contents = [] } = await services.s3.send(new ListObjectsV2Command({ Bucket: bucket }));
  assert.ok(Contents.some(({ Key }) => Key === `discarded/${segment}/0.json`));
});

test('a discarded part is lost until it is returned or counted, and is not waited for', async () => {
  const ledger = new LedgerTable(
    services.dynamoDb,
    await services.table(),
    { nowMs: () => ARRIVAL_MS },
    1_000,
  );
  await ledger.notePlace(segment, [0], 'discarded');
  assert.deepEqual(await ledger.readEntries(shard, [1]), [], 'a note makes up no entry');
  const plan = planSegment(undefined, records, CONFIG, []);
  await ledger.putEntryIfAbsent(shard, emittedEntry(plan, output, 100));
  const look = async () => {
    const [entry = assert.fail()] = await ledger.readEntries(shard, [1]);
    return [partPlace(entry, 0), isGivenUp(entry)];
  };
  await ledger.notePlace(segment, [0], 'parked');
  assert.deepEqual(await look(), ['parked', false]);
  await ledger.notePlace(segment, [0], 'discarded');
  assert.deepEqual(await look(), ['lost', true]);
  await ledger.notePlace(segment, [0], 'parked');
  assert.deepEqual(await look(), ['lost', true], 'a copy that is parked once more');
  await ledger.notePlace(segment, [0], 'returned');
  assert.deepEqual(await look(), ['in-flight', false]);
  await ledger.notePlace(segment, [0], 'discarded');
  await ledger.acknowledge(segment, [0]);
  assert.deepEqual(await look(), ['counted', true]);
});
