// `tally verify` as people run it: a process, and what it finds to differ.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { CommandError } from '../../cli/shared/errors.ts';
import { patiently } from '../../cli/verify/counts.ts';
import { TallyError } from '../../client/src/index.ts';
import { world } from './support/each-world.ts';
import { run } from './support/programs.ts';

describe('tally verify', () => {
  const verified = (truth: string, ...options: string[]) =>
    run('verify', '--truth', truth, '--url', world.door.url, ...options);
  const minute = Date.parse('2026-01-01T00:00:00Z') / 1000;
  const far = minute + 40 * 86_400;

  async function prepared(): Promise<string> {
    world.door.counts.set(`view /a?b c%2F ${minute}`, 3);
    world.door.counts.set(`view /a?b c%2F ${far}`, 2);
    world.door.counts.set(`view . ${minute + 60}`, 1);
    const rows = [
      [minute, '/a?b c%2F', 3, 5],
      [minute, 'no views', 0, 4],
      [minute + 60, '.', 1, 1],
      [far, '/a?b c%2F', 2, 2],
      [far, 'x'.repeat(600), 0, 1],
    ];
    const text = rows.map((row) => `${row.join('\t')}\n`).join('');
    await world.write('t.entity_minute.tsv.gz', gzipSync(text));
    return world.path('t');
  }

  test('equal: exit code 0, over more days than one query may span', async () => {
    const ended = await verified(await prepared());
    assert.equal(ended.code, 0, ended.stdout + ended.stderr);
    assert.match(ended.stdout, /4 entities, 3 minutes with counts: all equal \(6 events\)/);
  });

  test('different: every row is listed, also those missing in the truth', async () => {
    const truth = await prepared();
    world.door.counts.set(`view . ${minute + 60}`, 2);
    world.door.counts.set(`view no views ${minute + 120}`, 7);
    world.door.counts.delete(`view /a?b c%2F ${far}`);
    const ended = await verified(truth, '--json');
    assert.equal(ended.code, 1);
    const { shown, differing, expected, found } = JSON.parse(ended.stdout);
    assert.deepEqual([differing, expected, found], [3, 6, 12]);
    assert.deepEqual(
      new Set(shown.map((one: object) => JSON.stringify(one))),
      new Set([
        JSON.stringify({ entity: '/a?b c%2F', minute: far, expected: 2, found: 0 }),
        JSON.stringify({ entity: '.', minute: minute + 60, expected: 1, found: 2 }),
        JSON.stringify({ entity: 'no views', minute: minute + 120, expected: 0, found: 7 }),
      ]),
    );
  });

  test('hits, and counts that cannot be read', async () => {
    const truth = await prepared();
    const hits = await verified(truth, '--column', 'hits');
    assert.equal(hits.code, 1);
    assert.match(hits.stdout, /no views\texpected 4\tfound 0/);
    const missing = await verified(world.path('none'));
    assert.equal(missing.code, 2);
    assert.match(missing.stderr, /there is no truth file/);
  });

  test("the top of every day, and the service's note where it differs", async () => {
    const top = async (...options: string[]) => verified(world.path('t'), '--by', 'day', ...options);
    await prepared();
    const equal = await top('--top', '100');
    assert.equal(equal.code, 0, equal.stdout + equal.stderr);
    assert.match(equal.stdout, /top by day: 41 rankings, 3 places: all equal/);
    world.door.counts.set(`view . ${minute + 60}`, 4);
    world.door.counts.set(`view of nobody ${minute + 20 * 86_400}`, 9);
    world.door.topNote = { note: 'the day is still open' };
    const different = await top('--top', '2');
    assert.equal(different.code, 1);
    assert.deepEqual(different.stdout.split('\n').slice(0, 3).sort(), [
      '2026-01-01T00:00Z\t1.\texpected /a?b c%2F 3\tfound . 4\t(the day is still open)',
      '2026-01-01T00:00Z\t2.\texpected . 1\tfound /a?b c%2F 3\t(the day is still open)',
      '2026-01-21T00:00Z\t1.\texpected none\tfound of nobody 9\t(the day is still open)',
    ]);
    assert.match(different.stdout, /3 places of 2 rankings differ/);
    const json = JSON.parse((await top('--top', '1', '--json')).stdout);
    assert.deepEqual([json.compared, json.differing, json.comparedDiffering], [41, 2, 2]);
    const [total, many] = await Promise.all([top('--top', '3', '--by', 'total'), top('--top', '101')]);
    assert.deepEqual([total.code, many.code], [2, 2]);
    assert.match(total.stderr, /--top takes --by hour, day, month, not total/);
  });
});

test('what did not come in time is asked for again; what is refused is not', async () => {
  for (const [status, times] of [
    [408, 2],
    [404, 1],
  ] as const) {
    let asked = 0;
    const answer = patiently(async () => {
      asked += 1;
      if (asked === 1) throw new TallyError('no answer', { status });
      return asked;
    });
    if (times === 1) await assert.rejects(answer, CommandError);
    else assert.equal(await answer, 2);
    assert.equal(asked, times);
  }
});
