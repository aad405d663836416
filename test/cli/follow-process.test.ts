// `tally follow` as a process: killed and started again, fed by a pipe, and beside a real nginx under load.
import assert from 'node:assert/strict';
import { type ChildProcess, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { appendFile, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { Agent, get } from 'node:http';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { freePort } from '../support/free-port.ts';
import { until } from '../support/patience.ts';
import { world } from './support/each-world.ts';
import { logLines } from './support/import-world.ts';
import { says, started, tallyPath } from './support/programs.ts';

function follow(...args: string[]): ChildProcess {
  const env = { PATH: process.env['PATH'], XDG_STATE_HOME: world.path('home') };
  const all = [tallyPath, 'follow', ...args, '--url', world.door.url];
  return started(process.execPath, all, { env, stdio: 'pipe' });
}

const countedEvents = () => [...world.door.counts.values()].reduce((sum, n) => sum + n, 0);

const saysFollowing = (child: ChildProcess) => says(child, 'following');

async function ended(child: ChildProcess, signal?: NodeJS.Signals): Promise<number | null> {
  const exit = once(child, 'exit');
  if (signal !== undefined) child.kill(signal);
  const [code] = await exit;
  return code as number | null;
}

test('killed with a request under way, again and again: each line once', async () => {
  const path = world.path('a.log');
  let written = 0;
  for (let round = 0; round < 3; round += 1) {
    await appendFile(path, logLines(1300, written));
    written += 1300;
    const child = follow(path);
    const killed = new Promise<void>((resolve) => {
      world.door.script = async (request) => {
        if (request % 4 !== 2) return 'ok';
        await ended(child, 'SIGKILL');
        resolve();
        return round % 2 === 0 ? 'store-reset' : 'reset';
      };
    });
    await killed;
  }
  world.door.script = () => 'ok';
  const last = follow(path);
  await saysFollowing(last);
  await world.door.untilStored(written);
  assert.equal(await ended(last, 'SIGTERM'), 0);
  assert.equal(countedEvents(), written);
});

test('standard input: counted as it comes; the same stream again, at another pace, changes nothing', async () => {
  for (const parts of [
    [0, 1234],
    [0, 7, 100, 1234],
    [0, 900, 1234],
  ]) {
    const child = follow('--stdin', '--name', 'web');
    for (const [i, from] of parts.slice(0, -1).entries()) {
      const to = parts[i + 1] ?? 0;
      child.stdin?.write(logLines(to - from, from));
      // At least the lines so far are sent before more are written.
      const request = world.door.requests;
      if (to < 1234) await until(() => world.door.requests > request);
    }
    child.stdin?.end();
    assert.equal(await ended(child), 0);
    assert.equal(world.door.stored.size, 1234);
  }
  const other = follow('--stdin', '--name', 'other');
  other.stdin?.end(logLines(10));
  assert.equal(await ended(other), 0);
  assert.equal(world.door.stored.size, 1244);
});

test('standard input: a signal ends it, with everything read delivered', async () => {
  const child = follow('--stdin');
  child.stdin?.write(logLines(20));
  await world.door.untilStored(20);
  assert.equal(await ended(child, 'SIGTERM'), 0);
});

test('standard input: noise in the first lines is no reason to end', async () => {
  const child = follow('--stdin');
  child.stdin?.write('starting …\n');
  await saysFollowing(child);
  child.stdin?.end(logLines(20));
  assert.equal(await ended(child), 0);
  assert.equal(world.door.stored.size, 20);
});

test('wrong usage is exit code 2', async () => {
  assert.equal(await ended(follow()), 2);
  assert.equal(await ended(follow('a.log', '--stdin')), 2);
  assert.equal(await ended(follow(world.folder)), 2);
  // Not only when the first line is there.
  for (const wrong of [
    ['--format', 'qif'],
    ['--format', 'alb', '--entity', 'song'],
    ['--entity-regex', '('],
  ])
    assert.equal(await ended(follow(world.path('later.log'), ...wrong)), 2);
});

/** Whether a program is installed. */
function isInstalled(program: string): boolean {
  return spawnSync(program, ['--version']).error === undefined;
}

const absent =
  !(isInstalled('nginx') && isInstalled('logrotate')) &&
  'nginx or logrotate is not installed here: apt-get install nginx-light logrotate';

/** Our own server, its log, and the steps of logrotate. */
async function startNginx() {
  const port = await freePort();
  const logs = world.path('logs');
  const log = `${logs}/access.log`;
  await mkdir(logs);
  const asRoot = process.getuid?.() === 0 ? 'user root;' : '';
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((kind) => `${kind}_temp_path ${world.path(kind)};`)
    .join(' ');
  await writeFile(
    world.path('nginx.conf'),
    `${asRoot} daemon off; pid ${world.path('pid')}; worker_processes 2; events {}
     http { access_log ${log} combined; ${temporary} server { listen 127.0.0.1:${port}; location / { return 200 ok; } } }`,
  );
  const files = ['-c', world.path('nginx.conf'), '-e', world.path('error.log')];
  const nginx = started('nginx', files, { stdio: 'ignore' });
  const agent = new Agent({ keepAlive: true, maxSockets: 8 });
  let asked = 0;
  let sent = 0;
  const ask = (path: string) =>
    new Promise<void>((resolve, reject) => {
      get({ port, host: '127.0.0.1', path, agent }, (answer) => {
        asked += 1;
        answer.resume().once('end', resolve);
      }).once('error', reject);
    });
  for (let up = false; !up; )
    up = await ask('/up').then(
      () => true,
      () => false,
    );

  /** `logrotate --force`, with the options that Debian's packages ship, or with copytruncate. */
  async function rotate(how: 'create' | 'copytruncate'): Promise<void> {
    const options = {
      create: `create\n delaycompress\n postrotate\n kill -USR1 ${nginx.pid}\n endscript`,
      copytruncate: 'copytruncate\n delaycompress',
    }[how];
    const settings = `${log} {\n rotate 50\n nodateext\n compress\n ${options}\n}\n`;
    const path = await world.write('rotate.conf', settings);
    assert.equal(await ended(started('logrotate', ['--force', '--state', world.path('rotated'), path])), 0);
  }

  return {
    log,
    rotate,
    // All lines differ: a file is identified by its first bytes, and two loads may run in one second.
    load: () => Promise.all(Array.from({ length: 1000 }, (_, i) => ask(`/p/${i % 50}?n=${sent++}`))),
    asked: () => asked,
    /** Requests by path, from all files. */
    async written(): Promise<Map<string, number>> {
      const counts = new Map<string, number>();
      for (const name of await readdir(logs)) {
        if (!name.startsWith('access.log')) continue;
        const bytes = await readFile(`${logs}/${name}`);
        const text = (name.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString();
        for (const [, path = ''] of text.matchAll(/"GET ([^? ]+)/g))
          counts.set(path, (counts.get(path) ?? 0) + 1);
      }
      return counts;
    },
    async stop(): Promise<void> {
      agent.destroy();
      await ended(nginx, 'SIGTERM');
    },
  };
}

test('a real nginx under load, logrotate between, and a follower that is killed: every request once', {
  skip: absent,
  timeout: 240_000,
}, async () => {
  const nginx = await startNginx();
  let child = follow(nginx.log);
  await saysFollowing(child);
  for (const how of ['create', 'create', 'copytruncate', 'create', 'copytruncate'] as const) {
    const loading = nginx.load();
    // In the middle of the load, with requests in flight.
    await world.door.untilStored(world.door.stored.size + 200);
    await ended(child, 'SIGKILL');
    // Lines written between copy and truncation are lost, so copytruncate waits for silence.
    if (how === 'copytruncate') await loading;
    await nginx.rotate(how);
    await loading;
    child = follow(nginx.log);
    await saysFollowing(child);
    await nginx.load();
    await nginx.rotate('create');
    await world.door.untilStored(nginx.asked());
  }
  assert.equal(await ended(child, 'SIGTERM'), 0);
  await nginx.stop();
  const counted = new Map<string, number>();
  for (const [key, n] of world.door.counts) {
    const path = key.split(' ')[1] ?? '';
    counted.set(path, (counted.get(path) ?? 0) + n);
  }
  assert.deepEqual(new Map([...counted].toSorted()), new Map([...(await nginx.written())].toSorted()));
  assert.equal(countedEvents(), nginx.asked());
});
