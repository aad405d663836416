// The stream's mapping: retries, partial answers, limits that are refused.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { streamSettings } from '../../../local/event-source-mappings/kinesis-mapping.ts';
import { createStream, numbers, put, start } from '../support/kinesis-mapping.ts';
import { failed, failItems, inTurn } from '../support/outcomes.ts';

describe('failures', () => {
  test('are retried without limit, and nothing overtakes them', async () => {
    const stream = await createStream();
    await put(stream, numbers(5));
    const fails = () => failed;
    const { batches } = start(stream, {}, inTurn(fails, fails, fails));
    const all = await batches.atLeast(4);
    for (const batch of all) assert.deepEqual(batch, numbers(5));
  });

  test('are retried in a new batch when more records have arrived', async () => {
    const stream = await createStream();
    await put(stream, numbers(2));
    const { batches } = start(
      stream,
      {},
      inTurn(async () => {
        await put(stream, ['later']);
        return failed;
      }),
    );
    assert.deepEqual(await batches.atLeast(2), [numbers(2), [...numbers(2), 'later']]);
  });

  test('of items: everything from the lowest on is delivered again', async () => {
    const stream = await createStream();
    const sequence = await put(stream, numbers(10));
    const { batches } = start(
      stream,
      {},
      inTurn(() => {
        return failItems(String(sequence[7]), String(sequence[4]));
      }),
    );
    assert.deepEqual(await batches.atLeast(2), [numbers(10), numbers(6, 4)]);
  });

  for (const payload of [
    '{"batchItemFailures":[{"itemIdentifier":"12345"}]}',
    '{"batchItemFailures":[{"itemIdentifier":""}]}',
    '{"batchItemFailures":[{"other":"x"}]}',
    '{"batchItemFailures":"all"}',
  ]) {
    test(`an invalid answer fails the whole batch: ${payload}`, async () => {
      const stream = await createStream();
      await put(stream, numbers(2));
      const { batches } = start(
        stream,
        {},
        inTurn(() => {
          return { ok: true, payload };
        }),
      );
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

  test('that would be dropped or bisected are an error at start', () => {
    for (const [name, value] of Object.entries({
      MaximumRetryAttempts: 2,
      BisectBatchOnFunctionError: true,
    })) {
      const resource = { logicalId: 'Mapping', properties: { [name]: value } };
      assert.throws(
        () => streamSettings({ ...resource, type: '', metadata: {}, name: '', arn: '', ref: '' }),
        new RegExp(`another ${name}`),
      );
    }
  });
});
