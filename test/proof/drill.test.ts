// The drill's own judgement: it must not pass what is wrong.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { json } from 'node:stream/consumers';
import { test } from 'node:test';
import { readAlarms } from '../../local/alarms/template-alarms.ts';
import type { Json } from '../../local/json.ts';
import { listen } from '../../local/listening.ts';
import { readTemplate } from '../../local/template/template.ts';
import { Oracle } from '../../proof/drill/oracle.ts';
import { judgeAlarms, judgeCounts, runbookSections } from '../../proof/drill/play.ts';
import { createProducers } from '../../proof/drill/producers.ts';
import { SCENARIOS } from '../../proof/drill/scenarios.ts';
import { templateJson } from '../support/stack-template.ts';

const alarms = readAlarms(readTemplate(templateJson('local') as unknown as Json, { queueEndpoint: '' }));
const metric = (name: string) => ({ name, kind: 'metric' as const });

test('every alarm that a scenario names is one of the template', () => {
  const names = alarms.metric.map(({ name }) => name);
  for (const { fires, mayFire = {} } of SCENARIOS) {
    assert.ok(fires.length > 0);
    for (const name of [...fires, ...Object.keys(mayFire)]) assert.ok(names.includes(name), name);
  }
});

test('every section that the operator names is in the runbook', () => {
  const sections = runbookSections();
  const text = readFileSync(new URL('../../proof/drill/scenarios.ts', import.meta.url), 'utf8');
  const named = [...text.matchAll(/operator(?:Runs)?\(\s*'([^']+)'/g)].map((match) => match[1] ?? '');
  assert.ok(named.length >= 5);
  for (const section of named) assert.ok(sections.has(section), section);
});

test('an alarm that does not go off, one that should not, and one that stays on are failures', () => {
  const scenario = { fires: ['QueueAge'], mayFire: { CanaryLate: 'it waits' } };
  const late = { name: 'CountsLate', kind: 'composite' as const };
  assert.deepEqual(judgeAlarms(scenario, [metric('QueueAge'), metric('CanaryLate'), late], []), []);
  assert.deepEqual(judgeAlarms(scenario, [], []), ['QueueAge did not go off']);
  assert.deepEqual(judgeAlarms(scenario, [metric('QueueAge'), metric('Parked')], []), [
    'Parked went off, and should not have',
  ]);
  assert.equal(judgeAlarms(scenario, [metric('QueueAge')], [metric('QueueAge')]).length, 1);
});

test('differing counts, accounts that do not add up and misplaced events are failures', () => {
  const status = {
    accepted: 10,
    unread: 0,
    received: 10,
    duplicate: 2,
    rejected: 0,
    counted: 8,
    inFlight: 0,
    dead: 0,
  };
  const good = {
    differences: [],
    status: { ...status, parked: 0, expired: 0, lost: 0 },
    expected: 8,
    waiting: 0,
  };
  assert.deepEqual(judgeCounts(good), []);
  const differences = [{ entity: '/', at: 'total', sent: 8, counted: 7 }];
  for (const bad of [
    { ...good, differences },
    { ...good, status: { ...good.status, counted: 7 } },
    { ...good, status: { ...good.status, counted: 7, parked: 1 } },
    { ...good, expected: 9 },
    { ...good, waiting: 1 },
  ]) {
    assert.equal(judgeCounts(bad).length, 1);
  }
});

test('producers count a request when all of it is accepted, and retry what was not', async (context) => {
  const bodies: { id: string }[][] = [];
  const answers = [
    { status: 503, body: { failed: [{ index: 1 }, { index: 4 }] } },
    { status: 429, body: { message: 'slow' } },
    { status: 202, body: { accepted: 2 } },
  ];
  const server = createServer(async (incoming, outgoing) => {
    if (incoming.method === 'POST')
      bodies.push(((await json(incoming)) as { events: { id: string }[] }).events);
    const { status, body } =
      incoming.method === 'POST'
        ? (answers.shift() ?? { status: 500, body: {} })
        : { status: 200, body: WRONG };
    outgoing.writeHead(status).end(JSON.stringify(body));
  });
  const { endpoint: url, stop } = await listen(server);
  context.after(stop);
  const oracle = new Oracle();
  const producers = createProducers(url, oracle, () => 0.5);
  await producers.minute(1, 600_000);
  assert.deepEqual([producers.waiting(), oracle.events], [1, 0]);
  await producers.minute(0, 660_000);
  assert.deepEqual([producers.waiting(), oracle.events], [0, 5]);
  const whole = bodies[0]?.map(({ id }) => id) ?? [];
  assert.deepEqual(
    bodies.slice(1).map((events) => events.map(({ id }) => id)),
    [
      [whole[1], whole[4]],
      [whole[1], whole[4]],
    ],
  );
  // What the API answers is not what was sent, and the oracle says where.
  const { differences } = await oracle.compare(url);
  assert.deepEqual(
    differences.map(({ at, sent, counted }) => [at, sent, counted]),
    [
      ['1970-01-01T00:09:00.000Z', 5, 4],
      ['total', 5, 4],
    ],
  );
});

const WRONG = { total: 4, points: [{ at: '1970-01-01T00:09:00Z', n: 4 }] };
