// The stream's mapping: retries, partial answers, what is given up.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { s3Request } from '../../../local/provision.ts';
import { keysOf } from '../support/emulators.ts';
import {
  createStream,
  done,
  failed,
  failItems,
  numbers,
  put,
  s3Endpoint,
  start,
} from '../support/kinesis-mapping.ts';

describe('failures', () => {
  test('are tried again for as long as it takes, and nothing passes them', async () => {
    const stream = await createStream();
    await put(stream, numbers(5));
    let left = 3;
    const { batches } = start(stream, {}, () => {
      left -= 1;
      return left < 0 ? done : failed;
    });
    const all = await batches.atLeast(4);
    for (const batch of all) assert.deepEqual(batch, numbers(5));
  });

  test('are cut anew when more has come meanwhile', async () => {
    const stream = await createStream();
    await put(stream, numbers(2));
    let first = true;
    const { batches } = start(stream, {}, async () => {
      if (!first) return done;
      first = false;
      await put(stream, ['later']);
      return failed;
    });
    assert.deepEqual(await batches.atLeast(2), [numbers(2), [...numbers(2), 'later']]);
  });

  test('of items: everything from the lowest on comes again', async () => {
    const stream = await createStream();
    const sequence = await put(stream, numbers(10));
    let first = true;
    const { batches } = start(stream, {}, () => {
      if (!first) return done;
      first = false;
      return failItems(String(sequence[7]), String(sequence[4]));
    });
    assert.deepEqual(await batches.atLeast(2), [numbers(10), numbers(6, 4)]);
  });

  for (const payload of [
    '{"batchItemFailures":[{"itemIdentifier":"12345"}]}',
    '{"batchItemFailures":[{"itemIdentifier":""}]}',
    '{"batchItemFailures":[{"other":"x"}]}',
    '{"batchItemFailures":"all"}',
  ]) {
    test(`an answer that is not understood fails the whole batch: ${payload}`, async () => {
      const stream = await createStream();
      await put(stream, numbers(2));
      let first = true;
      const { batches } = start(stream, {}, () => {
        if (!first) return done;
        first = false;
        return { ok: true, payload };
      });
      assert.deepEqual(await batches.atLeast(2), [numbers(2), numbers(2)]);
    });
  }

  for (const payload of ['null', '""', '{}', '{"batchItemFailures":null}', '{"batchItemFailures":[]}']) {
    test(`an answer without failures is a success: ${payload}`, async () => {
      const stream = await createStream();
      await put(stream, ['one']);
      const { batches } = start(stream, {}, () => ({ ok: true, payload }));
      await batches.atLeast(1);
      await put(stream, ['two']);
      assert.deepEqual(await batches.atLeast(2), [['one'], ['two']]);
    });
  }

  test('end after the retries allowed, in S3 with their payload', async () => {
    await s3Request(s3Endpoint, 'PUT', '/failures');
    const stream = await createStream();
    await put(stream, ['poison']);
    const { batches } = start(stream, { retriesMax: 1 }, (texts) =>
      texts.includes('poison') ? failed : done,
    );
    await batches.atLeast(2);
    await put(stream, ['good']);
    assert.deepEqual(await batches.atLeast(3), [['poison'], ['poison'], ['good']]);
    const [key = ''] = keysOf((await s3Request(s3Endpoint, 'GET', '/failures')).body);
    assert.match(key, /^aws\/lambda\/Mapping\/shardId-000000000000\/\d{4}\/\d\d\/\d\d\//);
    const document = JSON.parse((await s3Request(s3Endpoint, 'GET', `/failures/${key}`)).body);
    assert.equal(document.requestContext.approximateInvokeCount, 2);
    assert.equal(document.KinesisBatchInfo.batchSize, 1);
    assert.match(document.payload, new RegExp(Buffer.from('poison').toString('base64')));
  });

  test('are bisected until the poison is alone', async () => {
    const stream = await createStream();
    await put(stream, ['a', 'b', 'poison', 'c']);
    const { batches } = start(stream, { retriesMax: 2, bisects: true }, (texts) =>
      texts.includes('poison') ? failed : done,
    );
    const all = await batches.until((seen) => seen.some((batch) => batch.join() === 'c'));
    assert.deepEqual(all, [['a', 'b', 'poison', 'c'], ['a', 'b'], ['poison', 'c'], ['poison'], ['c']]);
  });
});
