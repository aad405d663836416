// Every ranking of a small truth file against a local stack: `tally verify --top`, after a compaction.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { settled, startTestStack } from '../support/local-stack.ts';
import { patient } from '../support/patience.ts';

const TALLY = fileURLToPath(new URL('../../bin/tally.ts', import.meta.url));
const stack = await startTestStack();
const folder = await mkdtemp(join(tmpdir(), 'tally-top-'));
after(async () => {
  await rm(folder, { recursive: true });
});

/** The first `k` of every period, compared. */
function verified(by: string, k: number): Promise<{ readonly code: unknown; readonly text: string }> {
  const args = ['--truth', join(folder, 'truth'), '--url', stack.url, '--by', by, '--top', String(k)];
  return new Promise((resolve) => {
    execFile(process.execPath, [TALLY, 'verify', ...args], (error, stdout, stderr) =>
      resolve({ code: error?.code ?? 0, text: stdout + stderr }),
    );
  });
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
    const body = JSON.stringify({ events: events.slice(from, from + 500) });
    const headers = { 'content-type': 'application/json' };
    assert.equal((await fetch(`${stack.url}/v1/events`, { method: 'POST', headers, body })).status, 202);
  }
  await settled(stack, events.length);
  const before = await verified('day', 100);
  assert.equal(before.code, 1, 'nothing is compacted yet');
  const compactor = stack.functions.all.find(({ definition }) => /compactor/i.test(definition.name));
  assert.ok(compactor !== undefined && (await stack.invoke(compactor.definition.name, {})).ok);
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
