// Packs against Tally on the local stack: twins meet however they are packed, and a log imported alone and packed is the same log.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Packing, type Wrapped } from '../../client/src/packing.ts';
import { createAwsJsonClient } from '../../local/emulators/aws-json.ts';
import { startLocalStack } from '../../local/stack.ts';
import { recordAnswers } from '../support/answer-recorder.ts';

const patient = { timeout: 180_000 };
const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const DATA = join(ROOT, '../shared/data');
const { fetch } = recordAnswers();
const stack = await startLocalStack({ schedules: false });
const kinesis = createAwsJsonClient('kinesis', stack.endpoints.kinesis);
const folder = await mkdtemp(join(tmpdir(), 'tally-packed-'));
after(async () => {
  kinesis.close();
  await stack.stop();
  await rm(folder, { recursive: true });
});

interface Outgoing {
  readonly id: string;
  readonly json: string;
}

const digest = (text: string) => createHash('md5').update(text).digest();
const idOf = ({ id }: Outgoing) => id;
const alone = new Packing<Outgoing>({ digest: undefined, idOf });
const packing = new Packing<Outgoing>({ digest, idOf });

function eventsOf(entity: string, count: number): Outgoing[] {
  return Array.from({ length: count }, (_, index) => {
    const id = `${entity} ${index} ü`;
    return { id, json: JSON.stringify({ id, metric: 'view', entity, at: '2026-11-20T05:07:59Z' }) };
  });
}

async function post({ path, body }: Pick<Wrapped<Outgoing>, 'path' | 'body'>) {
  const headers = { 'content-type': 'application/json' };
  const answer = await fetch(`${stack.url}${path}`, { method: 'POST', headers, body });
  return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
}

async function send(wrapped: Wrapped<Outgoing>): Promise<void> {
  assert.deepEqual(await post(wrapped), { status: 202, body: { accepted: wrapped.records.length } });
}

/** Waits for the thing itself: until so many more are received, and nothing is in flight. */
async function settled(received: number) {
  for (;;) {
    const status = await stack.status();
    if (status.received >= received && status.inFlight === 0) return status;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

async function totalOf(entity: string): Promise<unknown> {
  const answer = await fetch(`${stack.url}/v1/counts/view/${encodeURIComponent(entity)}?by=total`);
  return ((await answer.json()) as { total: unknown }).total;
}

async function streamName(): Promise<string> {
  const { body } = await kinesis.send('ListStreams', '{}');
  return (JSON.parse(body) as { StreamNames: [string] }).StreamNames[0];
}

/** Splits an open shard in halves. */
async function splitAShard(): Promise<void> {
  const StreamName = await streamName();
  const { body } = await kinesis.send('DescribeStream', JSON.stringify({ StreamName }));
  const { Shards } = (JSON.parse(body) as { StreamDescription: { Shards: Shard[] } }).StreamDescription;
  const open = Shards.find(
    ({ SequenceNumberRange }) => SequenceNumberRange.EndingSequenceNumber === undefined,
  );
  assert.ok(open);
  const { StartingHashKey, EndingHashKey } = open.HashKeyRange;
  const middle = (BigInt(StartingHashKey) + BigInt(EndingHashKey) + 1n) / 2n;
  const split = { StreamName, ShardToSplit: open.ShardId, NewStartingHashKey: String(middle) };
  assert.equal((await kinesis.send('SplitShard', JSON.stringify(split))).status, 200);
}
interface Shard {
  readonly ShardId: string;
  readonly HashKeyRange: { readonly StartingHashKey: string; readonly EndingHashKey: string };
  readonly SequenceNumberRange: { readonly EndingSequenceNumber?: string };
}

test(
  'the same events alone, packed, packed otherwise, and again after a split, count once',
  patient,
  async () => {
    const { received } = await stack.status();
    const events = eventsOf('/twins', 120);
    await send(packing.wrap(events));
    for (let from = 0; from < events.length; from += 7)
      await send(packing.wrap(events.slice(from, from + 7)));
    await send(alone.wrap(events));
    await splitAShard();
    await send(packing.wrap(events.toReversed()));
    await send(alone.wrap(events));
    const status = await settled(received + 600);
    assert.equal(status.duplicate, 480);
    assert.equal(await totalOf('/twins'), 120);
  },
);

test('a pack with events that can not be counted loses those and no others', patient, async () => {
  const before = await stack.status();
  const fine = eventsOf('/neighbours', 30);
  // Straight into the stream, past the front door, which would refuse them.
  const bad = [
    '{"metric":"a b","entity":"/x"}',
    'null',
    '{"metric":"view","entity":"/x","at":"2026-02-30T00:00Z"}',
    '[]',
  ];
  const data = `[${[...fine.map(({ json }) => json), ...bad].toSorted().join(',')}]`;
  const Records = [{ Data: Buffer.from(data).toString('base64'), PartitionKey: 'x', ExplicitHashKey: '0' }];
  await kinesis.send('PutRecords', JSON.stringify({ StreamName: await streamName(), Records }));
  const status = await settled(before.received + 34);
  assert.equal(status.rejected - before.rejected, 4);
  assert.equal(await totalOf('/neighbours'), 30);
});

test('more events than a segment holds come in packs, each whole in one segment', patient, async () => {
  const before = await stack.status();
  const pack = `[${Array(9_000).fill('{"metric":"view","entity":"/many"}').join(',')}]`;
  const Records = Array.from({ length: 10 }, () => ({
    Data: Buffer.from(pack).toString('base64'),
    PartitionKey: 'x',
    ExplicitHashKey: '0',
  }));
  await kinesis.send('PutRecords', JSON.stringify({ StreamName: await streamName(), Records }));
  const status = await settled(before.received + 90_000);
  assert.equal(status.counted - before.counted, 90_000);
  assert.equal(await totalOf('/many'), 90_000);
});

test('what is wrong with packs is said, and where', patient, async () => {
  const [event] = eventsOf('/wrong', 1);
  const refused = async (packs: string) => {
    const { status, body } = await post({ path: '/v1/events:packed', body: `{"packs":${packs}}` });
    assert.equal(status, 400);
    assert.equal(body['packBuckets'], 16);
    return String(body['message']);
  };
  assert.match(
    await refused(`[{"bucket":"011","events":[${event?.json}]}]`),
    /#\/packs\/0\/bucket: does not match pattern \^\[01\]\{4\}\$/,
  );
  assert.match(
    await refused(`[{"bucket":"0110","events":[${event?.json},{"metric":"view","entity":"/a"}]}]`),
    /#\/packs\/0\/events\/1: required key \[id\] not found/,
  );
  assert.match(await refused('[]'), /#\/packs: /);
});

test('a client that packed for other buckets is told, and what it sends then is taken', patient, async () => {
  const events = eventsOf('/learnt', 40);
  const learner = new Packing<Outgoing>({ digest, idOf });
  // As another Tally would have said.
  learner.learn(learner.wrap(events), { status: 400, body: '{"message":"x","packBuckets":64}' });
  const wrapped = learner.wrap(events);
  assert.equal(wrapped.buckets, 64);
  const { status, body } = await post(wrapped);
  assert.match(learner.learn(wrapped, { status, body: JSON.stringify(body) }) ?? '', /it has 16 buckets/);
  const { received } = await stack.status();
  await send(learner.wrap(events));
  await settled(received + 40);
  assert.equal(await totalOf('/learnt'), 40);
});

/** Runs one of the importer's programs. */
function run(program: 'main' | 'verify', ...args: string[]): Promise<{ code: unknown; text: string }> {
  const path = join(ROOT, 'importer', `${program}.ts`);
  return new Promise((resolve) => {
    execFile(process.execPath, [path, ...args, '--url', stack.url], (error, stdout, stderr) =>
      resolve({ code: error?.code ?? 0, text: stdout + stderr }),
    );
  });
}

for (const [file, truth] of [
  ['elastic-examples_apache_logs.log.gz', 'elastic_apache'],
  ['elastic-examples_nginx_logs.log.gz', 'elastic_nginx'],
] as const) {
  const skip = existsSync(join(DATA, file)) ? false : `there is no ${file} beside the project`;
  test(`${truth} packed, then packed otherwise, then alone: the truth, and nothing but duplicates`, {
    ...patient,
    skip,
  }, async () => {
    const before = await stack.status();
    const once = async (...args: string[]) => {
      const place = ['--state', join(folder, `${truth} ${args.join()}`), '--metric', truth];
      const { code, text } = await run('main', join(DATA, file), ...place, '--wait', ...args);
      assert.equal(code, 0, text);
      return stack.status();
    };
    const first = await once();
    const events = first.counted - before.counted;
    assert.ok(events > 1_000);
    assert.equal(first.duplicate, before.duplicate);
    const second = await once('--batch-events', '333', '--concurrency', '3');
    const third = await once('--alone');
    assert.deepEqual([second.counted, third.counted], [first.counted, first.counted]);
    assert.equal(third.duplicate - before.duplicate, 2 * events);
    const compared = await run('verify', '--truth', join(DATA, 'truth', truth), '--metric', truth);
    assert.equal(compared.code, 0, compared.text);
  });
}
