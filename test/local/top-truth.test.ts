// Every ranking of a small truth file against a local stack: `tally verify --top`, after a compaction.
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { tally } from '../support/commands.ts';
import { temporaryFolder } from '../support/folder.ts';
import { invoked, post, settled, startTestStack } from '../support/local-stack.ts';
import { patient } from '../support/patience.ts';

const stack = await startTestStack();
const folder = temporaryFolder();

/** The first `k` of every period, compared. */
async function verified(by: string, k: number): Promise<{ readonly code: unknown; readonly text: string }> {
  const args = ['--truth', join(folder, 'truth'), '--url', stack.url, '--by', by, '--top', String(k)];
  const { code, out, err } = await tally(['verify', ...args]);
  return { code, text: out + err };
}

test('the first entities of every hour, day and month equal the truth', patient, async () => {
  const counts = new Map<string, number>();
  const start = Date.UTC(2026, 9, 30) / 60_000;
  let seed = 7;
  const below = (max: number) => {
    seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
    return Math.floor((seed / 2_147_483_648) * max);
  };
  const events = Array.from({ length: 1_500 }, (_, id) => {
    // Squared, so that a few entities have most, and many share a place.
    const [minute, entity] = [start + below(4 * 1_440), `/${Math.floor(below(1_000) ** 2 / 5_000)}`];
    const key = `${minute * 60}\t${entity}`;
    counts.set(key, (counts.get(key) ?? 0) + 1);
    return { id: `e${id}`, metric: 'view', entity, at: minute * 60_000 };
  });
  await writeFile(join(folder, 'truth'), [...counts].map(([key, n]) => `${key}\t${n}\t${n}\n`).join(''));
  for (let from = 0; from < events.length; from += 500) {
    await post(stack.url, events.slice(from, from + 500));
  }
  await settled(stack, events.length);
  const before = await verified('day', 100);
  assert.equal(before.code, 1, 'nothing is compacted yet');
  await invoked(stack, 'compactor');
  for (const [by, k] of [
    ['hour', 3],
    ['day', 100],
    ['month', 50],
  ] as const) {
    const { code, text } = await verified(by, k);
    assert.equal(code, 0, text);
    assert.match(text, /all equal/);
  }
});
