// `tally follow` as a process: killed and started again, fed by a pipe, and beside a real nginx under load.
import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFile, copyFile, mkdir, rename, truncate, writeFile } from 'node:fs/promises';
import { Agent, get } from 'node:http';
import { createServer } from 'node:net';
import { afterEach, beforeEach, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { ImportWorld, logLines } from './support/import-world.ts';

const tally = fileURLToPath(new URL('../../bin/tally.ts', import.meta.url));
let world: ImportWorld;
let children: ChildProcess[] = [];

beforeEach(async () => {
  world = await ImportWorld.open();
});

afterEach(async () => {
  for (const child of children) child.kill('SIGKILL');
  children = [];
  await world.close();
});

function follow(...args: string[]): ChildProcess {
  const env = { PATH: process.env['PATH'], XDG_STATE_HOME: world.path('home') };
  const child = spawn(process.execPath, [tally, 'follow', ...args, '--url', world.door.url], {
    env,
    stdio: 'pipe',
  });
  children.push(child);
  return child;
}

const countedEvents = () => [...world.door.counts.values()].reduce((sum, n) => sum + n, 0);

/** Resolves when it has begun. */
function saysFollowing(child: ChildProcess): Promise<void> {
  let text = '';
  return new Promise((resolve) => {
    child.stderr?.setEncoding('utf8').on('data', (part: string) => {
      text += part;
      if (text.includes('following')) resolve();
    });
  });
}

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

test('standard input: counted to its end; the same stream piped again changes nothing', async () => {
  for (let i = 0; i < 2; i += 1) {
    const child = follow('--stdin', '--name', 'web');
    child.stdin?.end(logLines(1234));
    assert.equal(await ended(child), 0);
    assert.equal(world.door.stored.size, 1234);
  }
});

test('wrong usage is exit code 2', async () => {
  assert.equal(await ended(follow()), 2);
  assert.equal(await ended(follow('a.log', '--stdin')), 2);
  assert.equal(await ended(follow(world.folder)), 2);
});

/** nginx's version; undefined where there is none. */
function nginxVersion(): string | undefined {
  try {
    return execFileSync('nginx', ['-v'], { stdio: 'pipe', encoding: 'utf8' });
  } catch {
    return undefined;
  }
}

const absent = nginxVersion() === undefined && 'nginx is not installed here: apt-get install nginx-light';

test('a real nginx under load, with logrotate’s moves between: every request once', {
  skip: absent,
}, async () => {
  const port = await freePort();
  const logs = world.path('logs');
  const log = `${logs}/access.log`;
  await mkdir(logs);
  await writeFile(
    world.path('nginx.conf'),
    `${process.getuid?.() === 0 ? 'user root;' : ''} daemon off; pid ${world.path('nginx.pid')}; error_log ${world.path('error.log')}; worker_processes 2;
     events {} http { access_log ${log} combined; client_body_temp_path ${world.path('t1')}; proxy_temp_path ${world.path('t2')};
     fastcgi_temp_path ${world.path('t3')}; uwsgi_temp_path ${world.path('t4')}; scgi_temp_path ${world.path('t5')};
     server { listen 127.0.0.1:${port}; location / { return 200 ok; } } }`,
  );
  const nginx = spawn('nginx', ['-c', world.path('nginx.conf'), '-e', world.path('error.log')], {
    stdio: 'ignore',
  });
  children.push(nginx);
  const agent = new Agent({ keepAlive: true, maxSockets: 8 });
  let asked = 0;
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
  const load = () => Promise.all(Array.from({ length: 1000 }, (_, i) => ask(`/p/${i % 50}?n=${i}`)));

  const child = follow(log);
  await saysFollowing(child);
  await load();
  for (let round = 1; round <= 3; round += 1) {
    const loading = load();
    await rename(log, `${log}.${round}`);
    // What nginx writes before it opens its log anew goes to the old file.
    nginx.kill('SIGUSR1');
    await loading;
    await load();
    await world.door.untilStored(asked);
    execFileSync('gzip', [`${log}.${round}`]);
  }
  const loading = load();
  await loading;
  await copyFile(log, `${log}.copy`);
  await truncate(log);
  await load();
  await world.door.untilStored(asked);
  assert.equal(await ended(child, 'SIGTERM'), 0);
  assert.equal(countedEvents(), asked);
  agent.destroy();
  await ended(nginx, 'SIGTERM');
});

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}
