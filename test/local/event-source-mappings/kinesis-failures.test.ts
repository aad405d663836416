// The stream's mapping: retries, partial answers, limits that are refused.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { streamSettings } from '../../../local/event-source-mappings/kinesis-mapping.ts';
import { createStream, done, failed, failItems, numbers, put, start } from '../support/kinesis-mapping.ts';

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

  test('that would be given up or cut in half are an error at start', () => {
    for (const [name, value] of Object.entries({
      MaximumRetryAttempts: 2,
      BisectBatchOnFunctionError: true,
    })) {
      const resource = { logicalId: 'Mapping', type: '', metadata: {}, properties: { [name]: value } };
      assert.throws(() => streamSettings(resource), new RegExp(`another ${name}`));
    }
  });
});
