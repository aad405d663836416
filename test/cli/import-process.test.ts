// `tally import` as people run it: a process, its figures and exit codes, Ctrl-C and being killed.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { tally } from '../support/commands.ts';
import { world } from './support/each-world.ts';
import type { Fault } from './support/front-door.ts';
import { logLine, logLines } from './support/import-world.ts';
import { endOf, fixture, run, says, start, started, tallyPath } from './support/programs.ts';

const importInto = (...args: string[]) => ['--url', world.door.url, '--state', world.path('state'), ...args];

describe('tally import', () => {
  test('--json: figures alone on standard output', async () => {
    const rejects = world.path('rejects.tsv');
    const ended = await run(
      'import',
      fixture,
      ...importInto('--json', '--wait', '--rejects', rejects, '--max-malformed', '40'),
    );
    assert.equal(ended.code, 0, ended.stderr);
    const { files, waited, seconds, ...figures } = JSON.parse(ended.stdout);
    assert.deepEqual(figures, {
      lines: 6,
      ignored: 0,
      malformed: 2,
      skipped: 2,
      rejected: 0,
      already: 0,
      abandoned: 0,
      uncertain: 0,
      accepted: 2,
      unsent: 0,
      repeated: 0,
      requests: 1,
      retries: 0,
      exitCode: 0,
    });
    assert.equal(files.length, 1);
    assert.equal(waited.end, 'counted');
    assert.equal(waited.grown.counted, 2);
    assert.equal(typeof seconds, 'number');
    assert.match(
      ended.stderr,
      /access\.log:4: malformed: it has no \[time\] "request" status, as access logs have: garbage/,
    );
    const lines = (await readFile(rejects, 'utf8')).split('\n');
    assert.equal(lines.length, 3);
    assert.match(lines[0] ?? '', /access\.log:4\t\d+\tmalformed\tit has no .*\tgarbage$/);
  });

  test('text instead of JSON; several files; nothing new the second time', async () => {
    const gz = await world.write('b.gz', gzipSync(logLines(3)));
    const first = await run('import', fixture, gz, ...importInto());
    assert.match(
      first.stdout,
      /access\.log \(combined\): 6 lines: 2 accepted, 2 malformed, 2 skipped by the filter\n/,
    );
    assert.match(first.stdout, /b\.gz \(combined\): 3 lines: 3 accepted\n/);
    const second = await run('import', fixture, gz, ...importInto());
    assert.match(second.stdout, /0 accepted, 2 malformed, 2 skipped by the filter, 2 imported earlier/);
    assert.equal(world.door.requests, 2);
  });

  test('a new generation of the stream is the same service: nothing is sent again', async () => {
    await run('import', fixture, ...importInto());
    const requests = world.door.requests;
    world.door.service = { stack: 'Tally-test', id: 'one', generation: '2' };
    assert.equal((await run('import', fixture, ...importInto('--max-malformed', '40'))).code, 0);
    assert.equal(world.door.requests, requests);
  });

  test('a service that was emptied is noticed', async () => {
    await run('import', fixture, ...importInto());
    world.door.stored.clear();
    const ended = await run('import', fixture, ...importInto('--max-malformed', '40'));
    assert.equal(ended.code, 0);
    assert.match(ended.stderr, /nothing was sent\n.*received only 0 events in all.*--forget/);
  });

  test('wrong usage: exit code 2 and one sentence', async () => {
    for (const [args, message] of [
      [[], /missing required argument/],
      [[fixture], /--url is missing/],
      [[fixture, '--url', 'nonsense'], /--url must be the address/],
      [[fixture, '--url', 'http://x', '--metric', 'a b'], /a metric is 1 to 64/],
      [[fixture, '--url', 'http://x', '--concurrency', '65'], /from 1 to 64/],
      [[fixture, '--dry-run', '--label', 'a~2'], /must not end with ~ and a number/],
      [[fixture, '--url', 'http://x', '--where', 'status'], /FIELD=VALUE/],
      [['-', '--url', 'http://x'], /--stdin/],
      [[fixture, '--url', 'http://x', '--color'], /--color/],
      [[world.path('none.log'), '--url', 'http://x'], /there is no such file/],
      [[world.folder, '--url', 'http://x'], /is not a file/],
    ] as const) {
      const { code, out, err } = await tally(['import', ...args]);
      assert.equal(code, 2, err);
      assert.match(err, message);
      assert.equal(out, '');
    }
  });

  test('refused access: exit code 1', async () => {
    world.door.script = () => 'forbidden';
    const ended = await run('import', fixture, ...importInto());
    assert.equal(ended.code, 1);
    assert.match(ended.stderr, /the service refuses: 403 Forbidden/);
  });

  test('more than a tenth malformed: exit code 1 with a word, and what can be read is imported', async () => {
    const path = await world.write('a.log', `${logLines(8)}rubbish\n`);
    const ended = await run('import', path, ...importInto());
    assert.equal(ended.code, 1);
    assert.match(ended.stderr, /1 of 9 lines are malformed \(11 %, --max-malformed is 10\)/);
    assert.equal(world.door.stored.size, 8);
    assert.equal((await run('import', path, ...importInto('--max-malformed', '12'))).code, 0);
  });

  test('one unusable file does not stop the others', async () => {
    const files = [
      await world.write('empty.log', ''),
      world.path('none.log'),
      await world.write('what.txt', 'what\n'),
      fixture,
    ];
    const ended = await run('import', ...files, ...importInto('--max-malformed', '40'));
    assert.equal(ended.code, 2);
    assert.match(ended.stderr, /none\.log: there is no such file/);
    assert.match(ended.stdout, /empty\.log: nothing in it\n/);
    assert.equal(world.door.stored.size, 2);
  });

  test('a server that is not Tally ends the import: another server, TLS where there is none', async () => {
    world.door.status = () => ({});
    const other = await run('import', fixture, ...importInto());
    assert.equal(other.code, 1);
    assert.match(other.stderr, /is not Tally/);
    const tls = await run('import', fixture, '--url', world.door.url.replace('http:', 'https:'));
    assert.equal(tls.code, 1);
    assert.match(tls.stderr, /cannot be used/);
  });

  test('output that is closed before its end is no error', async () => {
    const text = Array.from({ length: 3000 }, (_, i) => `0\t/e${i}\t1\t1\n`).join('');
    await world.write('t.entity_minute.tsv', text);
    const script = `"${process.execPath}" "${tallyPath}" verify --truth "${world.path('t')}" --url ${world.door.url} --show 3000 | head -1; exit "\${PIPESTATUS[0]}"`;
    const { stderr } = await endOf(started('bash', ['-c', script], { stdio: ['ignore', 'pipe', 'pipe'] }));
    assert.equal(stderr, '');
  });

  test('--wait: exit code 4 where something was not counted', async () => {
    const accounts = { unread: 0, duplicate: 0, inFlight: 0, dead: 0, parked: 0, expired: 0, lost: 0 };
    world.door.status = () => ({
      ...accounts,
      received: world.door.stored.size,
      counted: 0,
      rejected: world.door.stored.size,
    });
    const ended = await run('import', fixture, ...importInto('--wait', '--max-malformed', '40'));
    assert.equal(ended.code, 4);
    assert.match(ended.stderr, /received 2: 0 counted, 0 duplicate, 2 rejected by the service/);
  });

  test('--wait: duplicates do not prove that anything is counted', async () => {
    const accounts = { unread: 0, rejected: 0, inFlight: 0, dead: 0, parked: 0, expired: 0, lost: 0 };
    const duplicate = () => 5 * world.door.stored.size;
    world.door.status = () => ({ ...accounts, received: duplicate(), duplicate: duplicate(), counted: 0 });
    const wait = ['--wait', '--wait-timeout', '1', '--max-malformed', '40'];
    const ended = await run('import', fixture, ...importInto(...wait));
    assert.equal(ended.code, 4);
    assert.match(
      ended.stderr,
      /Not everything is counted yet \(2 of 2 accepted events are not counted yet\)/,
    );
  });

  test('a service that will never answer differently ends the import: 501', async () => {
    const server = createServer((_, response) => void response.writeHead(501).end());
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const ended = await run('import', fixture, '--url', `http://127.0.0.1:${port}`);
    server.close();
    assert.equal(ended.code, 1);
    assert.match(ended.stderr, /cannot be used: .*501/);
  });

  test('relative paths are relative to the caller, in any working directory of npm', async () => {
    await world.write('here.log', logLines(3));
    const ended = await run('import', 'here.log', ...importInto());
    assert.equal(ended.code, 0, ended.stderr);
    assert.equal(world.door.stored.size, 3);
  });

  for (const kept of [false, true]) {
    test(`killed with a request under way that was ${kept ? 'stored' : 'lost'}: resumed, every id once`, async () => {
      const path = await world.write('a.log', logLines(2500) + logLine(1, 404));
      const { child, ended } = start('import', path, ...importInto('--concurrency', '1'));
      world.door.script = async (request) => {
        if (request !== 3) return 'ok';
        child.kill('SIGKILL');
        await ended;
        return kept ? 'store-reset' : 'reset';
      };
      assert.equal((await ended).signal, 'SIGKILL');
      world.door.script = () => 'ok';
      const part = await run(
        'import',
        await world.write('part.log', logLines(1700)),
        ...importInto('--json'),
      );
      assert.match(part.stderr, /the last 200 events of .*part\.log are part of a request/);
      assert.deepEqual([part.code, JSON.parse(part.stdout).unsent], [3, 200]);
      // As if the service forgot ids at once: the request in flight is known, and held.
      const late = await run('import', path, ...importInto('--json', '--dedup-window', '0'));
      assert.equal(late.code, 3, late.stderr);
      assert.match(late.stderr, /500 events are uncertain/);
      const held = JSON.parse(late.stdout);
      assert.deepEqual([held.already, held.accepted, held.uncertain], [1500, 500, 500]);
      const resumed = JSON.parse((await run('import', path, ...importInto('--json'))).stdout);
      assert.deepEqual([resumed.already, resumed.accepted], [2000, 500]);
      assert.equal(world.door.stored.size, 2500);
      assert.equal(world.door.repeated, kept ? 500 : 0);
      const again = JSON.parse((await run('import', path, ...importInto('--json'))).stdout);
      assert.deepEqual([again.already, again.requests], [2500, 0]);
    });
  }

  test('Ctrl-C: requests in flight finish, exit code 130, the next import continues', async () => {
    const path = await world.write('a.log', logLines(2000));
    const fives = ['--concurrency', '1'];
    const { child, ended } = start('import', path, ...importInto('--json', ...fives));
    const told = says(child, 'stopping');
    world.door.script = async (request): Promise<Fault> => {
      if (request === 1) {
        child.kill('SIGINT');
        await told;
      }
      return 'ok';
    };
    const { code, stdout } = await ended;
    assert.equal(code, 130);
    assert.equal(JSON.parse(stdout).accepted, 1000);
    world.door.script = () => 'ok';
    const resumed = JSON.parse((await run('import', path, ...importInto('--json'))).stdout);
    assert.deepEqual([resumed.already, resumed.accepted], [1000, 1000]);
    assert.equal(world.door.repeated, 0);
  });

  test('Ctrl-C of an import with --forget: the next one continues without it, and would repeat what was sent with it', async () => {
    const path = await world.write('a.log', logLines(2000));
    const { child, ended } = start('import', path, ...importInto('--forget', '--json', '--concurrency', '1'));
    const told = says(child, 'stopping');
    world.door.script = async (request): Promise<Fault> => {
      if (request === 1) {
        child.kill('SIGINT');
        await told;
      }
      return 'ok';
    };
    const { stderr } = await ended;
    assert.match(stderr, /the same command without --forget continues from here/);
    world.door.script = () => 'ok';
    const resumed = JSON.parse((await run('import', path, ...importInto('--json'))).stdout);
    assert.deepEqual([resumed.already, resumed.accepted], [1000, 1000]);
    assert.equal(world.door.repeated, 0);
    await run('import', path, ...importInto('--forget'));
    assert.equal(world.door.repeated, 2000);
  });
});
