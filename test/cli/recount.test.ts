// `tally recount` against a local stack: equal, different, repaired, and counted again into other tables.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { openStack } from '../../cli/shared/stack-access.ts';
import { compactNow, openStore } from '../../cli/shared/store-access.ts';
import { lock } from '../../cli/source/journal.ts';
import { periodAt } from '../../lambdas/core/level.ts';
import { HOUR_MS, isoSeconds } from '../../lambdas/core/time.ts';
import { tally } from '../support/commands.ts';
import { temporaryFolder } from '../support/folder.ts';
import { post, startTestStack, viewsOf } from '../support/local-stack.ts';
import { until } from '../support/patience.ts';
import { changeRow } from '../support/store-changes.ts';

const folder = temporaryFolder();
const stack = await startTestStack();
const access = await openStack({ url: stack.url });
after(() => access.close());

const recount = (...parameters: string[]) => tally(['recount', '--url', stack.url, ...parameters], folder);

const HOUR = Math.floor(Date.now() / HOUR_MS) * HOUR_MS - HOUR_MS;
const RANGE = ['--from', isoSeconds(HOUR), '--to', isoSeconds(HOUR + HOUR_MS)];

test('finds differences, repairs them, and counts everything into other tables', async () => {
  const events = Array.from({ length: 50 }, (_, index) => ({
    id: `${index}`,
    metric: 'view',
    entity: '/a',
    at: HOUR,
  }));
  for (const _ of ['once', 'again']) await post(stack.url, events);
  await until(async () => (await viewsOf(stack.url, '/a')) >= 50);
  const store = openStore(access);
  await compactNow(store);

  const equal = await recount(...RANGE);
  assert.equal(equal.code, 0, equal.err + equal.out);
  assert.match(equal.out, /with 50 events produced; compared: figures 1 of hours/);
  assert.ok(!existsSync(join(folder, 'tally-recount.json')));

  await changeRow(store, periodAt('hours', HOUR), '/a', () => new Map([[0, 51n]]));
  const different = await recount(...RANGE);
  assert.equal(different.code, 1, different.err);
  assert.match(different.out, /"expected":"50","stored":"51"/);
  const repaired = await recount('--all', '--repair');
  assert.equal(repaired.code, 0, repaired.err + repaired.out);
  assert.match(repaired.out, /1 differences, 1 repaired/);
  assert.equal((await recount('--all')).code, 0);

  for (let again = 0; again < 2; again += 1) {
    const rebuilt = await recount('--into-generation', '2');
    assert.equal(rebuilt.code, 0, rebuilt.err + rebuilt.out);
    assert.match(
      rebuilt.out,
      /with 50 events produced; compared: figures 1 of hours, 1 of days, 1 of months, 1 of all/,
    );
  }
  // This stack has no archive of raw records.
  const archived = await recount(...RANGE, '--source', 'archive');
  assert.equal(archived.code, 3, archived.err);
  assert.match(archived.out, /not produced: not-archived/);
});

test('explains a wrong command line, or a wrong progress file', async () => {
  for (const [parameters, message] of [
    [[], /--from TIME --to TIME, or --all/],
    [['--all', '--from', isoSeconds(HOUR)], /not both/],
    [['--from', '2026-11-22', '--to', '2026-11-23'], /--from must be a whole hour/],
    [['--all', '--source', 'somewhere'], /Allowed choices are stream, archive/],
    [['--all', '--into-generation', '1'], /already exists/],
    [['--all', '--into-generation', 'second.try'], /takes 1 to 8 letters or digits, not "second\.try"/],
    [['--into-generation', '3', '--repair'], /--repair is for the tables of the stack itself/],
  ] as const) {
    const { code, err } = await recount(...parameters);
    assert.equal(code, 2, err);
    assert.match(err, message);
  }
  // Both would set rows aside in the same files.
  const release = lock(join(folder, 'tally-recount.json.lock'), 'another');
  const second = await recount('--all');
  release();
  assert.equal(second.code, 2, second.err);
  assert.match(second.err, /another recount has tally-recount\.json .*: wait until it ends/);
  // Another local stack has the same tables.
  for (const what of ['another', `${access.resources.countsTable} all stream`]) {
    await writeFile(join(folder, 'tally-recount.json'), JSON.stringify({ v: 1, what, topsDue: [] }));
    const other = await recount('--all');
    assert.equal(other.code, 2);
    const named = `is of another recount (${what}): delete it, or name another with --state FILE`;
    assert.ok(other.err.includes(named), other.err);
  }
  // Blocks are right already, so that only this file knows of the lists that are not.
  const topsDue = [{ level: 'hours', startMs: HOUR, metrics: ['view'] }];
  await writeFile(join(folder, 'tally-recount.json'), JSON.stringify({ v: 1, what: 'all repair', topsDue }));
  const unfinished = await recount(...RANGE, '--repair');
  assert.equal(unfinished.code, 2);
  assert.match(
    unfinished.err,
    /is of a repair that is not finished \(all repair\): run that one again first/,
  );
  assert.doesNotMatch(unfinished.err, /delete it/);
});
