// `npm start` as a process, with the real template and the real functions.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdtemp, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { temporaryFolder } from '../support/folder.ts';
import { post, viewsOf } from '../support/local-stack.ts';
import { patient, until } from '../support/patience.ts';
import { startNode } from './support/processes.ts';

const folder = temporaryFolder();

/** Anything that the stack leaves in the temporary folder is found here. */
async function ownTemporary() {
  const path = await mkdtemp(join(folder, 'tmp-'));
  return { env: { ...process.env, TMPDIR: path, TEMP: path, TMP: path }, left: () => readdir(path) };
}

const main = join(import.meta.dirname, '..', '..', 'local', 'main.ts');

test(
  'it starts, counts posted events, reports them, and stops on a signal without leaving anything behind',
  patient,
  async () => {
    const { env, left } = await ownTemporary();
    const logs = join(folder, 'functions.log');
    const child = startNode([main, '--no-demo', '--port', '0', '--logs', logs], env);
    const url = (await child.line(/^Tally is ready: http:\/\/127\.0\.0\.1:\d+$/)).replace(
      'Tally is ready: ',
      '',
    );
    const id = randomUUID();
    const entity = '/a b/é?x=%2F';
    await post(url, [{ id, metric: 'view', entity }]);
    const again = { id, metric: 'view', entity, n: 1 };
    await post(url, [again, { metric: 'view', entity, n: 4 }]);
    await until(async () => (await viewsOf(url, entity)) === 5);
    await child.line(/^3 accepted, 2 counted, 0 on the way, 1 duplicate$/);
    child.process.kill('SIGINT');
    // npm passes on the same key press, which must not count twice.
    child.process.kill('SIGINT');
    assert.equal(await child.exited, 0, child.lines.all.join('\n'));
    assert.deepEqual(await left(), []);
    assert.match(await readFile(logs, 'utf8'), /"_aws"/);
  },
);

test('it stops while it is still starting', patient, async () => {
  const { env, left } = await ownTemporary();
  const child = startNode([main, '--no-demo', '--port', '0'], env);
  await child.line(/^Starting/);
  child.process.kill('SIGTERM');
  assert.equal(await child.exited, 0);
  assert.deepEqual(await left(), []);
});
