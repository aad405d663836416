// Tally itself on the local stack: the synthesized template, the real handlers, from a POST to a count.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { recordAnswers } from '../support/answer-recorder.ts';
import { invoked, settled, startTestStack } from '../support/local-stack.ts';
import { patient } from '../support/patience.ts';

// Every answer is validated against the API's document.
const { fetch } = recordAnswers();
const stack = await startTestStack();

const post = (events: unknown[], contentType = 'application/json') =>
  fetch(`${stack.url}/v1/events`, {
    method: 'POST',
    headers: { 'content-type': contentType },
    body: JSON.stringify({ events }),
  });
async function counts(metric: string, entity: string, query = ''): Promise<Record<string, unknown>> {
  const answer = await fetch(`${stack.url}/v1/counts/${metric}/${encodeURIComponent(entity)}${query}`);
  return (await answer.json()) as Record<string, unknown>;
}
const SIGNED = { authorization: 'AWS4-HMAC-SHA256 Credential=local, SignedHeaders=host, Signature=0' };
let received = 0;

test('events are counted by minute, hour and day; a repeated id counts once', patient, async () => {
  const events = [
    { id: 'a', metric: 'view', entity: '/é 😀?x=1#"$', at: '2026-11-20T05:07:59Z' },
    { id: 'b', metric: 'view', entity: '/é 😀?x=1#"$', at: Date.parse('2026-11-20T05:08:00Z'), n: 5 },
    { id: 'c', metric: 'view', entity: '/é 😀?x=1#"$', at: '2026-11-20T06:00:00+00:00', n: -2 },
  ];
  assert.deepEqual(await (await post(events)).json(), { accepted: 3 });
  assert.equal((await post(events.slice(0, 2), 'text/plain;charset=UTF-8')).status, 202);
  received += 5;
  await settled(stack, received);
  const range = 'from=2026-11-20T00:00Z&to=2026-11-21T00:00Z';
  const points = async (by: string) => {
    const { total, points } = await counts('view', '/é 😀?x=1#"$', `?by=${by}&${range}`);
    return [total, ...(points as { at: string; n: number }[]).map(({ at, n }) => `${at.slice(11, 16)} ${n}`)];
  };
  assert.deepEqual(await points('minute'), [4, '05:07 1', '05:08 5', '06:00 -2']);
  assert.deepEqual(await points('hour'), [4, '05:00 6', '06:00 -2']);
  assert.deepEqual(await points('day'), [4, '00:00 4']);
  assert.deepEqual(await points('total'), [4]);
  const { duplicate, counted } = await stack.status();
  assert.deepEqual([duplicate, counted], [2, 3]);
});

test('a query that cannot be answered is refused with the reason', patient, async () => {
  assert.match(String((await counts('view', '/a', '?by=year'))['message']), /"by" must be one of/);
  const metric = await fetch(`${stack.url}/v1/counts/a%20b/x`);
  assert.equal(metric.status, 400);
  const encoding = await fetch(`${stack.url}/v1/counts/view/%E0%A4%A`);
  assert.equal(encoding.status, 400);
});

test('the accounts add up, the checkpoints move, and completeThrough is published', patient, async () => {
  // One event for each shard at least, so that none holds the watermark back.
  const many = Array.from({ length: 40 }, (_, index) => ({
    id: `m${index}`,
    metric: 'view',
    entity: '/many',
  }));
  await post(many);
  received += many.length;
  await settled(stack, received);
  await invoked(stack, 'accountant');
  const { completeThrough, total } = await counts('view', '/many');
  assert.equal(total, 40);
  assert.ok(typeof completeThrough === 'string' && Date.now() - Date.parse(completeThrough) < 60_000);
  const {
    shards: _,
    hours: ___,
    rejectedByReason: __,
    received: all,
    ...places
  } = (await (await fetch(`${stack.url}/v1/status`)).json()) as Record<string, number>;
  const {
    rejected = 0,
    duplicate = 0,
    counted = 0,
    inFlight = 0,
    dead = 0,
    parked = 0,
    expired = 0,
    lost = 0,
  } = places;
  assert.equal(all, rejected + duplicate + counted + inFlight + dead + parked + expired + lost);
});

test('closed hours, days and months are answered from the levels', patient, async () => {
  const range = 'from=2026-11-01T00:00Z&to=2026-11-22T00:00Z';
  const answers = async () => {
    const points = async (by: string) => {
      const { total, points } = await counts('view', '/é 😀?x=1#"$', `?by=${by}&${range}`);
      return [
        total,
        ...(points as { at: string; n: number }[]).map(({ at, n }) => `${at.slice(5, 13)} ${n}`),
      ];
    };
    return { hours: await points('hour'), days: await points('day'), months: await points('month') };
  };
  const before = await answers();
  assert.deepEqual(before, {
    hours: [4, '11-20T05 6', '11-20T06 -2'],
    days: [4, '11-20T00 4'],
    months: [4, '11-01T00 4'],
  });
  await invoked(stack, 'compactor');
  assert.deepEqual(await answers(), before);
  const { completeThrough } = await counts('view', '/é 😀?x=1#"$', `?by=day&${range}`);
  const minutes = await counts(
    'view',
    '/é 😀?x=1#"$',
    '?by=minute&from=2026-11-20T00:00Z&to=2026-11-21T00:00Z',
  );
  assert.ok(String(completeThrough) <= String(minutes['completeThrough']), 'the levels are never ahead');
  assert.notEqual(completeThrough, null);
});

test('the accounts add up in every hour of every shard, and the hours to the total', patient, async () => {
  interface Row extends Record<string, number | string> {}
  const answer = await fetch(`${stack.url}/v1/status?hours=48`);
  const status = (await answer.json()) as Row & { hours: Row[]; shards: { hours: Row[] }[] };
  const columns = ['duplicate', 'rejected', 'counted', 'inFlight', 'dead', 'parked', 'expired', 'lost'];
  const rows = [...status.hours, ...status.shards.flatMap(({ hours }) => hours)];
  assert.ok(status.hours.length >= 1 && status.shards.length >= 1);
  for (const row of rows) {
    assert.equal(
      row['received'],
      columns.reduce((sum, column) => sum + Number(row[column]), 0),
    );
    assert.equal(row['difference'], 0);
  }
  const totalOf = (column: string) => status.hours.reduce((sum, row) => sum + Number(row[column]), 0);
  for (const column of ['received', ...columns]) assert.equal(totalOf(column), status[column], column);
  const none = (await (await fetch(`${stack.url}/v1/status?hours=0`)).json()) as typeof status;
  assert.deepEqual([none.hours, none['received']], [[], status['received']]);
  const refused = await fetch(`${stack.url}/v1/status?hours=49`);
  assert.equal(refused.status, 400);
  assert.match(await refused.text(), /"hours\\?" must be a whole number from 0 to 48/);
});

test('the top of an hour, a day and a month is computed during compaction', patient, async () => {
  const top = async (query: string) => {
    const answer = await fetch(`${stack.url}/v1/top/view?${query}`);
    return (await answer.json()) as {
      entries: unknown;
      state: string;
      note?: string;
      completeThrough: string;
    };
  };
  const { entries, state, note, completeThrough } = await top('by=day&at=2026-11-20T12:34:56Z&k=1');
  assert.deepEqual(entries, [{ entity: '/é 😀?x=1#"$', n: 4 }]);
  assert.deepEqual([state, note], ['provisional', undefined], 'the local stage takes events of any age');
  assert.ok(Date.now() - Date.parse(completeThrough) < 600_000);
  assert.deepEqual((await top('by=hour&at=2026-11-20T06:00Z')).entries, [{ entity: '/é 😀?x=1#"$', n: -2 }]);
  assert.deepEqual((await top('by=hour&at=2026-11-20T07:00Z')).entries, []);
  const month = (await top('by=month&at=2026-11-20T06:00Z')).entries as { n: number }[];
  assert.ok(month.some(({ n }) => n === 4));
  assert.match(String((await top(`by=hour&at=${Date.now()}`)).note), /still open/);
  const path = `${stack.url}/v1/top/view?by=day&at=2026-11-20T12:00Z`;
  const { headers } = await fetch(path);
  assert.equal(headers.get('cache-control'), 'private, max-age=5', 'nothing is final on the local stage');
  const known = await fetch(path, { headers: { 'if-none-match': headers.get('etag') ?? '' } });
  assert.deepEqual([known.status, await known.text()], [304, '']);
  assert.equal((await fetch(`${path}&by=day`)).status, 400, 'nothing may be said twice');
  const refused = await fetch(`${stack.url}/v1/top/view?by=week`);
  assert.match(((await refused.json()) as { message: string }).message, /"by" must be one of/);
});

test('an event too far in the future is rejected, and the shard goes on', patient, async () => {
  await post([
    { metric: 'view', entity: '/future', at: Date.now() + 3_600_000 },
    { metric: 'view', entity: '/now' },
  ]);
  received += 2;
  await settled(stack, received);
  const status = (await (await fetch(`${stack.url}/v1/status`)).json()) as {
    rejectedByReason: Record<string, number>;
  };
  assert.deepEqual(status.rejectedByReason, { 'too-new': 1 });
  assert.equal((await counts('view', '/now'))['total'], 1);
});

test('the admin route wants a signature', patient, async () => {
  const path = `${stack.url}/v1/admin/counts/view/a`;
  assert.equal((await fetch(path)).status, 403);
  assert.equal((await fetch(path, { headers: SIGNED })).status, 200);
});

test('the redriver finds an empty queue', patient, async () => {
  const { returned, ended } = (await invoked(stack, 'redriver')) as Record<string, unknown>;
  assert.deepEqual([returned, ended], [0, 'empty']);
});

test('the canary beats on every shard and reads its counts back through the API', patient, async () => {
  await invoked(stack, 'canary');
  received += 3;
  await settled(stack, received);
  const { total } = await counts('tally.canary', 'canary');
  assert.equal(total, 1_000_000);
  await invoked(stack, 'canary');
});
