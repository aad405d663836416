// Queries of counts over HTTP, as by curl: zones, pages, comparisons, batches, entity tags.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TallyClient } from '../../client/src/index.ts';
import { recordAnswers } from '../support/answer-recorder.ts';
import { invoked, post, settled, startTestStack } from '../support/local-stack.ts';
import { patient } from '../support/patience.ts';

const { fetch } = recordAnswers();
const stack = await startTestStack();

interface Answer {
  readonly tz: string;
  readonly total: number;
  readonly next?: string;
  readonly message?: string;
  readonly previous?: Answer;
  readonly points: readonly { readonly at: string; readonly n: number; readonly sum?: number }[];
}
const PATH = '/v1/counts/play/%2Fsong';
const ask = (query: string, headers: Record<string, string> = {}) =>
  fetch(`${stack.url}${PATH}?${query}`, { headers });
const answerTo = async (query: string) => (await (await ask(query)).json()) as Answer;
const shown = ({ points }: Answer) => points.map(({ at, n }) => `${at} ${n}`);

/** Around the night in which Berlin's clocks go back, and in each of its hours. */
const EVENTS = [
  ['2026-10-23T21:59Z', 1],
  ['2026-10-24T21:59Z', 2],
  ['2026-10-24T22:00Z', 4],
  ['2026-10-25T00:30Z', 8],
  ['2026-10-25T01:30Z', 16],
  ['2026-10-25T22:59Z', 32],
  ['2026-10-25T23:00Z', 64],
  ['2026-10-31T22:59Z', 128],
  ['2026-10-31T23:00Z', 256],
] as const;

test('events around a change of the clock', patient, async () => {
  const events = EVENTS.map(([at, n]) => ({ metric: 'play', entity: '/song', at, n }));
  await post(stack.url, events, fetch);
  await settled(stack, EVENTS.length);
});

const BERLIN = 'tz=Europe/Berlin&from=2026-10-22T22:00Z&to=2026-11-01T23:00Z';
async function assertBerlin(): Promise<void> {
  assert.deepEqual(shown(await answerTo(`by=day&${BERLIN}`)), [
    '2026-10-23T00:00:00+02:00 1',
    '2026-10-24T00:00:00+02:00 2',
    '2026-10-25T00:00:00+02:00 60',
    '2026-10-26T00:00:00+01:00 64',
    '2026-10-31T00:00:00+01:00 128',
    '2026-11-01T00:00:00+01:00 256',
  ]);
  // The hour from 2 to 3 is there twice.
  assert.deepEqual(shown(await answerTo(`by=hour&${BERLIN}`)), [
    '2026-10-23T23:00:00+02:00 1',
    '2026-10-24T23:00:00+02:00 2',
    '2026-10-25T00:00:00+02:00 4',
    '2026-10-25T02:00:00+02:00 8',
    '2026-10-25T02:00:00+01:00 16',
    '2026-10-25T23:00:00+01:00 32',
    '2026-10-26T00:00:00+01:00 64',
    '2026-10-31T23:00:00+01:00 128',
    '2026-11-01T00:00:00+01:00 256',
  ]);
  // Monday the 26th begins after the night of 25 hours, and Sunday the 1st is in its week.
  assert.deepEqual(shown(await answerTo(`by=week&${BERLIN}`)), [
    '2026-10-19T00:00:00+02:00 63',
    '2026-10-26T00:00:00+01:00 448',
  ]);
  assert.deepEqual(shown(await answerTo(`by=month&${BERLIN}`)), [
    '2026-10-01T00:00:00+02:00 255',
    '2026-11-01T00:00:00+01:00 256',
  ]);
  const kathmandu = BERLIN.replace('Europe/Berlin', 'Asia/Kathmandu');
  assert.deepEqual(shown(await answerTo(`by=hour&${kathmandu}`)), [
    '2026-10-24T03:00:00+05:45 1',
    '2026-10-25T03:00:00+05:45 6',
    '2026-10-25T06:00:00+05:45 8',
    '2026-10-25T07:00:00+05:45 16',
    '2026-10-26T04:00:00+05:45 96',
    '2026-11-01T04:00:00+05:45 384',
  ]);
  assert.deepEqual(shown(await answerTo(`by=day&${kathmandu}`)), [
    '2026-10-24T00:00:00+05:45 1',
    '2026-10-25T00:00:00+05:45 30',
    '2026-10-26T00:00:00+05:45 96',
    '2026-11-01T00:00:00+05:45 384',
  ]);
}

test('hours, days, weeks and months of a zone, from counter items and from levels', patient, async () => {
  await assertBerlin();
  for (const noun of ['accountant', 'compactor']) {
    await invoked(stack, noun);
  }
  await assertBerlin();
});

test('pages, running sums and the previous range', patient, async () => {
  const sums: string[] = [];
  let query = `by=day&${BERLIN}&cumulative=true&fill=zero&limit=4`;
  while (query !== '') {
    const { points, next } = await answerTo(query);
    sums.push(points.map(({ at, sum }) => `${at.slice(8, 10)} ${sum}`).join(', '));
    query = next === undefined ? '' : `next=${next}`;
  }
  assert.deepEqual(sums, ['23 1, 24 3, 25 63, 26 127', '27 127, 28 127, 29 127, 30 127', '31 255, 01 511']);
  const day = 'by=day&tz=Europe/Berlin&from=2026-10-24T22:00Z&to=2026-10-25T23:00Z';
  const { total, previous } = await answerTo(`${day}&compare=previous`);
  assert.deepEqual([total, previous?.total], [60, 2]);
});

test('an answer is sent once: a client with the current one gets 304', patient, async () => {
  const query = `by=day&${BERLIN}`;
  const first = await ask(query, { origin: 'https://shop.example' });
  const tag = first.headers.get('etag') ?? '';
  assert.match(tag, /^"[\w-]+"$/);
  assert.equal(first.headers.get('cache-control'), 'private, max-age=5');
  assert.equal(first.headers.get('access-control-expose-headers'), 'ETag');
  await first.arrayBuffer();
  for (const known of [tag, `W/${tag}`, `"other", ${tag}`]) {
    const again = await ask(query, { 'If-None-Match': known });
    assert.deepEqual([again.status, await again.text(), again.headers.get('etag')], [304, '', tag]);
  }
  assert.equal((await ask(query, { 'if-none-match': '"other"' })).status, 200);
});

test('a batch answers each query as if it were alone; a wrong one has its own error', patient, async () => {
  const client = new TallyClient({ url: stack.url });
  const question = { from: '2026-10-22T22:00Z', to: new Date('2026-11-01T23:00Z') };
  const month = { ...question, by: 'month', tz: 'Europe/Berlin', cumulative: true } as const;
  const answers = await client.countsBatch([
    { metric: 'play', entity: '/song', ...question },
    { metric: 'play', entity: '/song', ...month },
    { metric: 'no metric', entity: '/song' },
    { metric: 'play', entity: '/silence' },
  ]);
  assert.deepEqual(answers.slice(0, 2), [
    await client.counts('play', '/song', question),
    await client.counts('play', '/song', month),
  ]);
  assert.deepEqual(answers[2], { error: '"metric" must be 1 to 64 of A-Z a-z 0-9 _ . -' });
  assert.ok(answers[3] !== undefined && 'total' in answers[3] && answers[3].total === 0);
  const [page] = await client.countsBatch([{ metric: 'play', entity: '/song', ...month, limit: 1 }]);
  assert.ok(page !== undefined && 'next' in page);
  const { points } = await client.counts('play', '/song', { next: page.next });
  assert.deepEqual(
    points.map(({ n, sum }) => [n, sum]),
    [[256, 511]],
  );
  await client.close();
});

test('errors name their cause', patient, async () => {
  for (const [query, reason] of [
    ['by=day&by=hour', /"by" is given more than once/],
    ['by=minute&tz=Europe/Berlin', /"tz" needs by=hour, day, week or month/],
    ['next=abc', /"next" is not a token/],
  ] as const) {
    const answer = await ask(query);
    assert.equal(answer.status, 400, query);
    assert.match(((await answer.json()) as Answer).message ?? '', reason);
  }
  const body = JSON.stringify({ queries: [{ metric: 'play' }] });
  const batch = await fetch(`${stack.url}/v1/counts:batch`, { method: 'POST', body });
  assert.match(((await batch.json()) as Answer).message ?? '', /required key \[entity\] not found/);
});
