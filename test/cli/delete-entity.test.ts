// `tally delete-entity` against a local stack: preview, confirmation, deletion, and exit codes.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openStack } from '../../cli/shared/stack-access.ts';
import { openStore } from '../../cli/shared/store-access.ts';
import { rangesOf } from '../../lambdas/core/hash-range.ts';
import { LATEST_INSTANT_MS } from '../../lambdas/core/time.ts';
import { tally } from '../support/commands.ts';
import { post, startTestStack, viewsOf } from '../support/local-stack.ts';
import { until } from '../support/patience.ts';

const PERSON = 'person@example.com';
const stack = await startTestStack();

const command = (...parameters: string[]) => tally(['delete-entity', ...parameters]);

const total = (entity: string) => viewsOf(stack.url, entity);

/** Sends two events of the person and one of another entity, and waits until they are counted. */
async function count(): Promise<void> {
  const at = Date.now() - 3_600_000;
  const events = [PERSON, PERSON, '/other'].map((entity) => ({ metric: 'view', entity, at }));
  await post(stack.url, events);
  await until(async () => (await total(PERSON)) >= 2 && (await total('/other')) >= 1);
}

test('shows a preview, does nothing without confirmation, and then deletes only that entity', async () => {
  await count();
  const look = await command(PERSON, '--url', stack.url, '--archive', '--dry-run');
  assert.equal(look.code, 0, look.err);
  assert.match(look.out, /2 events; 4 rows in blocks/);

  const unasked = await command(PERSON, '--url', stack.url);
  assert.equal(unasked.code, 2);
  assert.match(unasked.err, /no terminal to ask on: add --yes/);
  assert.equal(await total(PERSON), 2);

  // Nothing arrives any more that would show that everything before it is compacted.
  const done = await command(PERSON, '--url', stack.url, '--archive', '--yes', '--wait', '0');
  assert.equal(done.code, 0, done.err);
  assert.match(done.out, /Deleted: 2 events; 4 rows in blocks/);
  assert.match(done.out, /What waits for compaction is in no answer, and never enters a block\./);
  assert.equal(await total(PERSON), 0);
  assert.equal(await total('/other'), 1);
});

test('explains wrong usage, and reports a stack that does not answer', async () => {
  assert.equal((await command('--help')).code, 0);
  assert.equal((await command(PERSON)).code, 2);
  assert.equal((await command(PERSON, '--url', stack.url, '--stage', 'prod')).code, 2);
  const unreachable = await command(PERSON, '--url', 'http://127.0.0.1:9', '--yes');
  assert.equal(unreachable.code, 4);
  assert.match(unreachable.err, /Nothing answers at/);
});

test('says that compaction stands still, since a delta is missing', async () => {
  await post(stack.url, [{ metric: 'view', entity: '/missing', at: Date.now() - 3_600_000 }]);
  await until(async () => (await total('/missing')) >= 1);
  const access = await openStack({ url: stack.url });
  const { store, state, rewriter } = openStore(access);
  for (const range of (await state.readState()).rangeBits.flatMap((bits) => rangesOf(bits))) {
    for await (const delta of store.deltasIn(range, 0, LATEST_INSTANT_MS))
      if (delta.rows !== undefined) await rewriter.replaceDelta(delta, delta.rows, undefined);
  }
  await access.close();
  const { err } = await command(PERSON, '--url', stack.url, '--dry-run');
  assert.match(err, /^Compaction stands still \(docs\/runbook\.md#deltas-missing\): hash range/m);
});
