// The client against Tally on the local stack, with faults in between: what it reports as sent is what is counted.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, test } from 'node:test';
import fc from 'fast-check';
import { TallyClient, TallyError, type Undelivered } from '../../client/src/index.ts';
import { createAwsJsonClient, type RawAnswer } from '../../local/emulators/aws-json.ts';
import { startNode } from '../local/support/processes.ts';
import { settled as arrived, startTestStack, untilCounted } from '../support/local-stack.ts';
import { runs } from '../support/long.ts';
import { patient } from '../support/patience.ts';
import { type ProxyFault, startFaultyProxy } from './support/faulty-proxy.ts';

const stack = await startTestStack();
const proxy = await startFaultyProxy(stack.url);
const kinesis = createAwsJsonClient('kinesis', stack.endpoints.kinesis);
after(() => proxy.stop());

/** Short waits: the faults end soon. */
const quick = {
  url: proxy.url,
  batchDelayMs: 0,
  backoff: { baseMs: 1, capMs: 20 },
} as const;

const settled = (counted: number) => untilCounted(stack, counted);

test('reads are typed: counts, the status, and refusals', patient, async () => {
  const client = new TallyClient(quick);
  await client.count('play', '/videos/42?a=1#é', 3, { at: '2026-11-22T09:00:30Z' });
  await client.count('play', '/videos/42?a=1#é', -1, { at: new Date('2026-11-22T09:01:00Z') });
  assert.equal(await client.flush(), true);
  await settled(2);
  const from = new Date('2026-11-22T09:00:00Z');
  const to = '2026-11-22T10:00:00Z';
  const counts = await client.counts('play', '/videos/42?a=1#é', { from, to, by: 'minute' });
  assert.equal(counts.total, 2);
  assert.deepEqual(
    counts.points.map(({ at, n }) => [at, n]),
    [
      ['2026-11-22T09:00:00Z', 3],
      ['2026-11-22T09:01:00Z', -1],
    ],
  );
  const top = await client.top('play', { by: 'hour', at: from, k: 3 });
  assert.deepEqual(
    [top.by, top.from, top.entries],
    ['hour', '2026-11-22T09:00:00Z', []],
    'not compacted yet',
  );
  await assert.rejects(client.top('play', { k: 0 }), /"k" must be/);
  const { counted, shards } = await client.status();
  assert.deepEqual([counted, shards.length > 0], [2, true]);
  await assert.rejects(client.counts('play', '/a', { by: 'year' as never }), (error: unknown) => {
    assert.ok(error instanceof TallyError);
    assert.equal(error.status, 400);
    assert.match(error.message, /"by" must be one of/);
    return true;
  });
  await assert.rejects(client.counts('play', '..'), /"entity" must be/);
  const gone = await startFaultyProxy(stack.url);
  await gone.stop();
  const nobody = new TallyClient({ url: gone.url });
  await assert.rejects(nobody.status(), { name: 'TallyError', status: undefined, neverSent: true });
  const impatient = AbortSignal.abort(new Error('enough'));
  await assert.rejects(client.status({ signal: impatient }), { name: 'TallyError', message: /enough/ });
  assert.equal((await client.close()).accepted, 2);
});

const faults = fc.constantFrom<ProxyFault>(
  'pass',
  'reset-before',
  'reset-after',
  'mid-answer',
  429,
  500,
  503,
);

test('with any fault in between, counts equal what the client reports as accepted', patient, async () => {
  let [counted, run] = [2, 0];
  await fc.assert(
    fc.asyncProperty(
      fc.array(faults, { maxLength: 10 }),
      fc.array(fc.boolean(), { maxLength: 10 }),
      fc.integer({ min: 1, max: 120 }),
      async (script, partly, events) => {
        const entity = `/run/${run++}`;
        proxy.decide = (index) => script[index - first] ?? 'pass';
        const first = proxy.requests;
        // Kinesis accepts some records and names the others.
        stack.setFault(({ action, body }) =>
          action === 'PutRecords' && partly.shift() === true ? takeHalf(body) : 'pass',
        );
        const reported: Undelivered[] = [];
        const client = new TallyClient({
          ...quick,
          batchEvents: 20,
          concurrency: 3,
          onRejected: (undelivered) => reported.push(undelivered),
          onGivenUp: (undelivered) => reported.push(undelivered),
        });
        let sum = 0;
        for (let n = 1; n <= events; n += 1) {
          sum += n;
          await client.count('view', entity, n);
        }
        const { accepted } = await client.close({ deadlineMs: patient.timeout });
        assert.deepEqual([accepted, reported], [events, []]);
        counted += events;
        await settled(counted);
        assert.equal((await client.counts('view', entity)).total, sum);
        assert.equal((await stack.status()).counted, counted);
      },
    ),
    // Retries meet their twins in the first run at least.
    { numRuns: runs(12), examples: [[['reset-after'], [], 40]] },
  );
  stack.setFault(undefined);
  proxy.decide = () => 'pass';
  assert.ok((await stack.status()).duplicate > 0, 'retries met their twins');
});

test('an answer that never comes times out, and its events count once', patient, async () => {
  const before = await stack.status();
  let stuck = 0;
  proxy.decide = () => (stuck++ === 0 ? 'stuck' : 'pass');
  const client = new TallyClient({ ...quick, timeoutMs: 1_000 });
  await client.count('view', '/stuck');
  assert.equal((await client.close()).accepted, 1);
  // The second attempt may come in a later batch.
  const status = await arrived(stack, before.received + 2);
  assert.equal(status.counted, before.counted + 1);
  assert.ok(status.duplicate > before.duplicate);
  proxy.decide = () => 'pass';
});

test('a process that only counts sends everything before it exits', patient, async () => {
  const before = await stack.status();
  proxy.decide = (index) => (index % 2 === 0 ? 'reset-after' : 'pass');
  const child = startNode([join(import.meta.dirname, 'fixtures', 'count-and-end.ts'), proxy.url, '250']);
  assert.equal(await child.exited, 0, child.lines.all.join('\n'));
  assert.deepEqual(child.lines.all, []);
  await settled(before.counted + 250);
  assert.equal((await stack.status()).counted, before.counted + 250);
  proxy.decide = () => 'pass';
});

test(
  'a process without a reachable Tally ends at its deadline and reports every event',
  patient,
  async () => {
    proxy.decide = () => 'reset-before';
    const child = startNode([
      join(import.meta.dirname, 'fixtures', 'count-and-end.ts'),
      proxy.url,
      '7',
      '200',
    ]);
    assert.equal(await child.exited, 0);
    assert.equal(child.lines.all.filter((line) => line.startsWith('given up')).length, 7);
    proxy.decide = () => 'pass';
  },
);

/** A PutRecords of which Kinesis accepts every other record, and names the rest. */
async function takeHalf(body: string): Promise<RawAnswer> {
  const { StreamName, Records } = JSON.parse(body) as { StreamName: string; Records: unknown[] };
  const taken = Records.filter((_, index) => index % 2 === 0);
  const sent = await kinesis.send('PutRecords', JSON.stringify({ StreamName, Records: taken }));
  const answers = (JSON.parse(sent.body) as { Records: unknown[] }).Records;
  const throttled = { ErrorCode: 'ProvisionedThroughputExceededException', ErrorMessage: 'slowly' };
  const all = Records.map((_, index) => (index % 2 === 0 ? answers[index / 2] : throttled));
  const FailedRecordCount = Records.length - taken.length;
  return { ...sent, body: JSON.stringify({ FailedRecordCount, Records: all }) };
}
