// Importing into a front door with every kind of failure, stopped at any point, resumed at any time: each event exactly once.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { runs } from '../support/long.ts';
import { world } from './support/each-world.ts';
import type { Fault } from './support/front-door.ts';
import { ImportWorld, logLine, logLines } from './support/import-world.ts';

const minuteMs = 60_000;

function always(fault: Fault): () => Fault {
  return () => fault;
}

describe('a service in trouble', () => {
  for (const fault of ['reset', 'store-reset', 'store-503', 'throttle'] as const) {
    test(`every second request: ${fault}`, async () => {
      world.door.script = (request) => (request % 2 === 0 ? fault : 'ok');
      const path = await world.write('a.log', logLines(1300));
      const { figures, troubles } = await world.import(path, { events: 50 });
      assert.equal(figures.accepted, 1300);
      assert.equal(world.door.stored.size, 1300);
      assert.ok(figures.retries > 0 && troubles.length > 0);
      // Only if the service stored events without confirming may it see an id again.
      assert.equal(world.door.repeated > 0, fault !== 'reset' && fault !== 'throttle');
      assert.equal((await world.import(path)).figures.already, 1300);
    });
  }

  test('Retry-After is honoured', async () => {
    world.door.script = (request) => (request === 0 ? 'throttle' : 'ok');
    const from = world.nowMs;
    await world.import(await world.write('a.log', logLines(1)));
    assert.ok(world.nowMs - from >= 1000);
  });

  test('a refused request is bisected down to the invalid event', async () => {
    world.door.refuses = (event) => event.entity === '/page/3' && event.at % minuteMs === 3000;
    const { figures, rejects } = await world.import(await world.write('a.log', logLines(100)));
    assert.deepEqual([figures.accepted, figures.rejected], [99, 1]);
    assert.match(rejects[0]?.reason ?? '', /an event is wrong/);
    const { requests } = world.door;
    assert.equal((await world.import(world.path('a.log'))).figures.already, 100);
    assert.equal(world.door.requests, requests);
  });

  test('a service that accepts no event at all ends the import', async () => {
    world.door.refuses = () => true;
    await assert.rejects(
      world.import(await world.write('a.log', logLines(100))),
      /accepts none of the events/,
    );
  });

  test('requests that are too large are halved', async () => {
    world.door.script = always('too-large');
    assert.equal((await world.import(await world.write('a.log', logLines(50)))).figures.accepted, 50);
    assert.equal(world.door.repeated, 0);
  });

  test('refused access ends the import; it continues later', async () => {
    world.door.script = (request) => (request < 1 ? 'ok' : 'forbidden');
    const path = await world.write('a.log', logLines(1500));
    const fives = { concurrency: 1 };
    await assert.rejects(world.import(path, fives), /refuses: 403 Forbidden/);
    world.door.script = always('ok');
    world.nowMs += 86_400_000;
    const { figures } = await world.import(path, { apiKey: 'secret' });
    assert.deepEqual([figures.already, figures.accepted], [500, 1000]);
    assert.equal(world.door.apiKeys.at(-1), 'secret');
    assert.equal(world.door.repeated, 0);
  });

  test('events the API does not allow are rejected here', async () => {
    const long = logLine(0).replace('/page/0', `/${'x'.repeat(600)}`);
    const control = logLine(0).replace('/page/0', '/a\u0001b');
    const { figures, rejects } = await world.import(await world.write('a.log', long + control + logLine(1)));
    assert.deepEqual([figures.rejected, figures.accepted], [2, 1]);
    assert.match(rejects[0]?.reason ?? '', /longer than 512/);
  });
});

describe('requests of unknown outcome', () => {
  /** Stores the second request and breaks the connection, which ends the importer. */
  const interrupted = async (fault: Fault = 'store-reset') => {
    world.door.script = (request) => {
      if (request === 1) world.stop.abort();
      return request === 1 ? fault : 'ok';
    };
    const path = await world.write('a.log', logLines(300));
    const { figures } = await world.import(path, { events: 100, concurrency: 1 });
    assert.deepEqual([figures.accepted, figures.unsent + figures.uncertain], [100, 200]);
    world.stop = new AbortController();
    world.door.script = always('ok');
    return path;
  };

  test('within the dedup window they are sent again', async () => {
    const path = await interrupted();
    world.nowMs += 8 * minuteMs;
    const { figures } = await world.import(path);
    assert.deepEqual([figures.already, figures.accepted, figures.uncertain], [100, 200, 0]);
    assert.equal(world.door.stored.size, 300);
    assert.equal(world.door.repeated, 100);
  });

  test('after it they are held, and everything else is imported', async () => {
    const path = await interrupted();
    for (let run = 0; run < 2; run += 1) {
      world.nowMs += 10 * minuteMs;
      const { figures } = await world.import(path);
      assert.equal(figures.uncertain, 100);
      assert.equal(figures.already + figures.accepted, 200);
    }
    assert.equal(world.door.stored.size, 300);
    assert.equal(world.door.repeated, 0);
  });

  test('the window is counted from the first attempt, and a request must arrive within it', async () => {
    const path = await interrupted();
    world.nowMs += 6 * minuteMs;
    world.door.script = () => {
      world.stop.abort();
      return 'reset';
    };
    assert.equal((await world.import(path, { concurrency: 1 })).figures.accepted, 0);
    world.stop = new AbortController();
    world.door.script = always('ok');
    world.nowMs += 3 * minuteMs;
    assert.equal((await world.import(path, { timeoutMs: 31_000 })).figures.uncertain, 100);
    assert.equal((await world.import(path, { timeoutMs: 20_000 })).figures.uncertain, 0);
  });

  test('a service that is back only after the window does not get what another run may have stored', async () => {
    const path = await interrupted();
    world.nowMs += 8 * minuteMs;
    const from = world.nowMs;
    world.door.script = () => (world.nowMs - from < 4 * minuteMs ? 'throttle' : 'ok');
    const { figures } = await world.import(path);
    assert.deepEqual([figures.already, figures.accepted, figures.uncertain], [100, 100, 100]);
    assert.equal(world.door.repeated, 0);
  });

  test('a clock that was set back since does not make them fresh', async () => {
    const path = await interrupted();
    world.nowMs -= 60 * minuteMs;
    assert.equal((await world.import(path)).figures.uncertain, 100);
    assert.equal(world.door.repeated, 0);
  });

  test('skip gives them up permanently', async () => {
    const path = await interrupted();
    world.nowMs += 10 * minuteMs;
    assert.equal((await world.import(path, { uncertain: 'skip' })).figures.abandoned, 100);
    const { figures } = await world.import(path);
    assert.deepEqual([figures.abandoned, figures.already], [100, 200]);
    assert.equal(world.door.repeated, 0);
  });

  test('send sends them again and reports it', async () => {
    const path = await interrupted();
    world.nowMs += 10 * minuteMs;
    const { figures } = await world.import(path, { uncertain: 'send' });
    assert.deepEqual([figures.repeated, figures.accepted], [100, 200]);
    assert.equal((await world.import(path)).figures.already, 300);
  });

  for (const after of ['throttle', 'reset'] as const) {
    test(`a running import that is cut off for longer than the window (${after}) holds them too`, async () => {
      const from = world.nowMs;
      world.door.script = (request) => {
        if (request === 0) return 'store-reset';
        return world.nowMs - from > 11 * minuteMs ? 'ok' : after;
      };
      const { figures } = await world.import(await world.write('a.log', logLines(5)));
      assert.equal(figures.uncertain, 5);
      assert.equal(world.door.repeated, 0);
    });
  }

  test('a request that was certainly refused is never uncertain', async () => {
    const path = await interrupted('throttle');
    world.nowMs += 86_400_000;
    const { figures } = await world.import(path);
    assert.deepEqual([figures.already, figures.accepted, figures.uncertain], [100, 200, 0]);
    assert.equal(world.door.repeated, 0);
  });
});

test('with any fault and any stop, every event is stored, and never twice beyond the window', async () => {
  const faults = fc.constantFrom<Fault>('ok', 'reset', 'store-reset', 'store-503', 'throttle');
  const step = fc.record({
    fault: faults,
    ends: fc.constantFrom('', 'stop', 'kill'),
    pauseMinutes: fc.constantFrom(0, 3, 30),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 12, size: 'max' }), async (steps) => {
      const small = await ImportWorld.open();
      try {
        const arrivals = new Map<string, number>();
        let pauseMs = 0;
        let late = false;
        small.door.script = (request, events) => {
          const { fault = 'ok', ends = '', pauseMinutes = 0 } = steps[request] ?? {};
          if (['ok', 'store-reset', 'store-503'].includes(fault)) {
            for (const { id } of events) {
              const before = arrivals.get(id);
              // The importer's promise: an id that may be stored is sent again within the window or never.
              if (before !== undefined) late ||= before !== undefined && small.nowMs - before > 10 * minuteMs;
              arrivals.set(id, small.nowMs);
            }
          }
          if (ends !== '') small.stop.abort();
          if (ends === 'kill') small.kill.abort();
          pauseMs = ends === '' ? 0 : pauseMinutes * minuteMs;
          return fault;
        };
        const path = await small.write('a.log', logLines(60));
        let uncertain = 0;
        for (let run = 0; run <= steps.length; run += 1) {
          small.stop = new AbortController();
          small.kill = new AbortController();
          ({ uncertain } = (await small.import(path, { events: 10 })).figures);
          small.nowMs += pauseMs;
        }
        assert.ok(!late, 'an id came again after the window');
        assert.ok(small.door.stored.size >= 60 - uncertain);
        const { figures } = await small.import(path);
        assert.equal(figures.already + figures.uncertain, 60);
      } finally {
        await small.close();
      }
    }),
    { numRuns: runs(40) },
  );
});

test('a shorter copy that ends within a batch that may be stored', async () => {
  const whole = await world.write('a.log', logLines(100));
  const copy = await world.write('b.log', logLines(50));
  world.door.script = () => {
    world.stop.abort();
    return 'store-reset';
  };
  await world.import(whole);
  world.stop = new AbortController();
  world.door.script = () => 'ok';
  assert.equal((await world.import(copy)).figures.unsent, 50);
  await world.import(whole);
  assert.equal(world.door.total, 100);
});

test('a line with many objects, one of them refused: each of the others counts', async () => {
  const at = Date.parse('2026-01-01T00:00:00Z');
  const objects = Array.from({ length: 1000 }, (_, i) => ({ entity: i === 499 ? '/bad' : '/a', at }));
  world.door.refuses = ({ entity }) => entity === '/bad';
  const { figures } = await world.import(await world.write('a.jsonl', `${JSON.stringify(objects)}\n`));
  assert.deepEqual([figures.accepted, figures.rejected], [999, 1]);
  assert.equal(world.door.total, 999);
});
