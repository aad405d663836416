// Following standard input.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import PQueue from 'p-queue';
import { followPipe } from '../../cli/follow/pipe.ts';
import { Figures, type Reject } from '../../cli/import/figures.ts';
import { world } from './support/each-world.ts';
import { logLines } from './support/import-world.ts';

/** Follows these chunks as standard input, to their end. */
async function piped(
  chunks: AsyncIterable<Buffer>,
  stop = new AbortController().signal,
  rejects: Reject[] = [],
): Promise<Figures> {
  const figures = new Figures();
  const signal = new AbortController().signal;
  const rejected = (reject: Reject) => void rejects.push(reject);
  const quiet = { note: () => {}, rejected, trouble: () => {}, progress: () => {} };
  const ports = { sender: world.client(), now: () => world.nowMs, figures, reporter: quiet };
  const settings = {
    target: { service: 's', metric: 'view', label: '' },
    format: {},
    delivery: { dedupWindowMs: 600_000, timeoutMs: 30_000, uncertain: 'hold' as const },
    concurrency: 2,
    stateFolders: { chosen: undefined, home: world.path('home') },
  };
  await followPipe(chunks, 'n', settings, {
    ...ports,
    stop,
    kill: signal,
    queue: new PQueue({ concurrency: 2 }),
    fail: (error) => {
      throw error;
    },
  });
  return figures;
}

test('a request is not repeated after the dedup window', async () => {
  let requests = 0;
  world.door.script = () => {
    requests += 1;
    if (requests > 1) return 'ok';
    world.nowMs += 3_700_000;
    return 'store-reset';
  };
  async function* lines() {
    yield Buffer.from(logLines(10));
  }
  const figures = await piped(lines());
  assert.equal(world.door.repeated, 0);
  assert.equal(figures.uncertain, 10);
});

test('what was read when a signal closes it is sent, but for half a line', async () => {
  const stop = new AbortController();
  async function* closed() {
    yield Buffer.from(logLines(11).trimEnd());
    stop.abort();
    throw Object.assign(new Error('Premature close'), { code: 'ERR_STREAM_PREMATURE_CLOSE' });
  }
  assert.equal((await piped(closed(), stop.signal)).accepted, 10);
});

test('a stream without line ends is refused instead of kept', async () => {
  let read = 0;
  async function* endless() {
    for (; read < 100; read += 1) yield Buffer.alloc(65_536, 'x');
  }
  await assert.rejects(piped(endless()), /format is not recognised/);
  assert.ok(read < 20, `${read} chunks were read`);
});

test('an event that the service refuses is reported with its line, and the others are sent', async () => {
  world.door.refuses = ({ entity }) => entity === '/page/3';
  async function* lines() {
    yield Buffer.from(logLines(5));
  }
  const rejects: Reject[] = [];
  const { accepted, rejected } = await piped(lines(), undefined, rejects);
  assert.deepEqual([accepted, rejected], [4, 1]);
  assert.deepEqual(
    rejects.map(({ kind, lineNumber, raw }) => [kind, lineNumber, JSON.parse(String(raw)).entity]),
    [['rejected', 4, '/page/3']],
  );
});
