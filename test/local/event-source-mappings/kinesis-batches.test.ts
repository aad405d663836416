// The stream's mapping: order, and the content and limits of batches.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createInbox } from '../support/inbox.ts';
import { createStream, kinesis, numbers, put, start } from '../support/kinesis-mapping.ts';
import { done } from '../support/outcomes.ts';

describe('batches', () => {
  test('come in order, one at a time, within their maximum size', async () => {
    const stream = await createStream();
    await put(stream, numbers(250));
    let running = 0;
    const { batches } = start(stream, {}, async () => {
      running += 1;
      assert.equal(running, 1);
      await new Promise(setImmediate);
      running -= 1;
      return done;
    });
    const all = await batches.until((seen) => seen.flat().length >= 250);
    assert.deepEqual(all.flat(), numbers(250));
    assert.deepEqual(
      all.map((batch) => batch.length),
      [100, 100, 50],
    );
  });

  test('look like those of Lambda', async () => {
    const stream = await createStream();
    const [sequenceNumber] = await put(stream, ['é']);
    const events = createInbox<unknown>();
    start(stream, {}, (_, event) => {
      events.add(event);
      return done;
    });
    const [event] = (await events.atLeast(1)) as [{ Records: [Record<string, unknown>] }];
    const { kinesis: part, eventID, eventSource, eventSourceARN, awsRegion } = event.Records[0];
    const { approximateArrivalTimestamp, ...rest } = part as Record<string, unknown>;
    assert.ok(Math.abs(Number(approximateArrivalTimestamp) * 1_000 - Date.now()) < 60_000);
    assert.deepEqual(rest, {
      kinesisSchemaVersion: '1.0',
      partitionKey: 'é',
      sequenceNumber,
      data: Buffer.from('é').toString('base64'),
    });
    assert.equal(eventID, `shardId-000000000000:${sequenceNumber}`);
    assert.deepEqual([eventSource, awsRegion], ['aws:kinesis', 'us-east-1']);
    assert.match(String(eventSourceARN), /stream\/stream-/);
  });

  test('collect records within the window', async () => {
    const stream = await createStream();
    await put(stream, ['first']);
    const { batches } = start(stream, { windowMs: 600 }, () => done);
    await put(stream, ['second']);
    assert.deepEqual((await batches.atLeast(1))[0], ['first', 'second']);
  });

  test('end early when they are full', async () => {
    const stream = await createStream();
    await put(stream, numbers(3));
    const { batches } = start(stream, { windowMs: 3_600_000, batchSize: 3 }, () => done);
    assert.deepEqual(await batches.atLeast(1), [numbers(3)]);
  });

  test('stay below 6 MB', async () => {
    const stream = await createStream();
    const large = Array.from({ length: 9 }, (_, index) => String(index).repeat(700_000));
    // The key of a record may have 256 characters: the texts themselves will not do.
    for (const text of large) {
      const Data = Buffer.from(text).toString('base64');
      await kinesis.call('PutRecord', { StreamName: stream, Data, PartitionKey: 'p' });
    }
    const { batches } = start(stream, {}, (_, event) => {
      assert.ok(JSON.stringify(event).length <= 6 * 1024 * 1024);
      return done;
    });
    const all = await batches.until((seen) => seen.flat().length >= 9);
    assert.deepEqual(
      all.flat().map((text) => text[0]),
      large.map((text) => text[0]),
    );
  });
});
