// `tally dead-letters` against the local stack, from a dead letter's first failure to its end.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { test } from 'node:test';
import { GetObjectCommand } from '@aws-sdk/client-s3';
import { s3 } from '../../lambdas/aws/clients/s3.ts';
import { HOUR_MS } from '../../lambdas/core/time.ts';
import { createAwsJsonClient } from '../../local/emulators/aws-json.ts';
import { credentials, region } from '../../local/identity.ts';
import { tally } from '../support/commands.ts';
import { resourceIn } from '../support/local-stack.ts';
import { startOperatedStack } from '../support/operated-stack.ts';
import { patient, until } from '../support/patience.ts';

const { stack, clock, metrics, run, start, countersFail, post, redrive, total } = await startOperatedStack();
const deadLetters = (...args: string[]) => run('dead-letters', ...args);
const names = async (...args: string[]) =>
  (JSON.parse((await deadLetters('list', '--json', ...args)).out || '[]') as { name: string }[]).map(
    ({ name }) => name,
  );
/** A name of 490 characters that compression leaves long: many of them are several messages. */
const long = (prefix: string, at: number) =>
  `/${prefix}/${at}/${createHash('shake256', { outputLength: 360 }).update(`${prefix}${at}`).digest('base64url')}`;
const view = (id: string, entity: string) => ({ id, metric: 'view', entity });

/** The accounts, which must add up at every moment. */
async function accounts() {
  const { received, duplicate, rejected, counted, inFlight, dead, parked, expired, lost } =
    await stack.status();
  assert.equal(received, duplicate + rejected + counted + inFlight + dead + parked + expired + lost);
  return { counted, inFlight, dead, parked, lost };
}

test(
  'without dead letters there is nothing to do, and wrong usage explains the right one',
  patient,
  async () => {
    const fast = ['attempts=1', 'backoffBaseSeconds=0', 'redriveDelaySeconds=0'];
    assert.equal((await run('parameter', 'set', ...fast)).code, 0);
    assert.equal((await deadLetters('list')).code, 3);
    assert.equal((await deadLetters('redrive', '--all')).code, 3);
    const wrong: [string[], number, RegExp][] = [
      [['redrive'], 2, /redrive NAME …, or redrive --all/],
      [['show', 'x'], 2, /not the name of a dead letter/],
      [['discard', '--all'], 2, /--why <text>/],
      [['redrive', '1.0.1/0'], 1, /No dead letter 1\.0\.1\/0/],
      [['list', '--stage', 'prod'], 2, /Name the stack/],
    ];
    for (const [args, code, message] of wrong) {
      const ended = await deadLetters(...args);
      assert.deepEqual([ended.code, message.test(ended.err)], [code, true], `${args}: ${ended.err}`);
    }
  },
);

test(
  'redrive answers what it did; while writes fail it tries three dead letters and leaves the rest',
  patient,
  async () => {
    countersFail(true);
    // Long entities: several parts a segment.
    const events = Array.from({ length: 500 }, (_, at) => view(`a${at}`, long('a', at)));
    await post(events);
    await until(async () => (await accounts()).dead === 500);
    assert.deepEqual(await redrive(), {
      written: 0,
      returned: 3,
      parked: 0,
      failed: 0,
      probesFailed: 3,
      ended: 'probes-failed',
    });
    await until(() => metrics.get('redriver DeadLettersReturned') === 3);
    await until(async () => (await accounts()).dead === 500);
  },
);

test('list and show print place, reason and time, and entities only on request', patient, async () => {
  const listed = JSON.parse((await deadLetters('list', '--json', '--reason', 'SLOW')).out);
  assert.ok(listed.length > 5, `${listed.length} dead letters`);
  assert.equal(
    listed.reduce((sum: number, { events }: { events: number }) => sum + events, 0),
    500,
  );
  const probed = listed.find(({ rounds }: { rounds: number }) => rounds === 1);
  assert.ok(probed);
  const page = await deadLetters('show', probed.name);
  assert.equal(page.code, 0);
  assert.match(page.out, /round 0, 1 attempts: ThrottlingException: slow down/);
  assert.match(page.out, /round 1, 1 attempts: probe: ThrottlingException/);
  assert.match(page.out, /holds +\d+ events in \d+ rows of \d+ entities: view \d+/);
  assert.doesNotMatch(page.out + (await deadLetters('list')).out, /\/a\/\d/);
  assert.match((await deadLetters('show', probed.name, '--rows')).out, /\/a\/\d/);
  const entity = long('a', 7);
  assert.equal((await names('--entity', entity)).length, 1);
  const [segment = ''] = probed.name.split('/');
  assert.ok((await names('--segment', segment)).every((name) => name.startsWith(`${segment}/`)));
  assert.equal((await names()).length, listed.length, 'looking hides nothing');
});

test('a dry run changes nothing; park moves dead letters to the archive', patient, async () => {
  const before = await names();
  const dry = await deadLetters('park', '--all', '--dry-run');
  assert.deepEqual(
    [dry.code, dry.out.startsWith(`Would park ${before.length} waiting with 500 events`)],
    [0, true],
  );
  assert.deepEqual((await names()).sort(), before.sort());
  assert.equal((await deadLetters('park', '--all')).code, 0);
  assert.deepEqual(await names('--parked').then((all) => all.sort()), before);
  assert.deepEqual(await accounts(), { counted: 0, inFlight: 0, dead: 0, parked: 500, lost: 0 });
});

test(
  'parked dead letters replayed twice count once; counted ones are removed by the next replay',
  patient,
  async () => {
    countersFail(false);
    await Promise.all(stack.mappings.map((mapping) => mapping.pause()));
    for (const time of ['first', 'second'])
      assert.match((await deadLetters('replay', '--all')).out, /^\d+ sent to the rollup queue\n$/, time);
    const waiting = await accounts();
    assert.deepEqual(
      [waiting.parked, waiting.inFlight],
      [500, 0],
      'parked until they are counted, wherever copies are',
    );
    for (const mapping of stack.mappings) mapping.resume();
    await until(async () => (await accounts()).counted === 500);
    assert.equal(await total(long('a', 7)), 1);
    const third = await deadLetters('replay', '--all');
    assert.match(third.out, /already counted/);
    assert.deepEqual(await names('--parked'), []);
    assert.equal((await accounts()).counted, 500);
  },
);

test('a command killed in mid-redrive loses nothing, and what it did counts once', patient, async () => {
  countersFail(true);
  await post(Array.from({ length: 500 }, (_, at) => view(`b${at}`, long('b', at))));
  await until(async () => (await accounts()).dead === 500);
  const slow = start('dead-letters', 'redrive', '--all', '--per-second', '2');
  await until(async () => (await accounts()).dead < 500);
  slow.kill('SIGKILL');
  await once(slow, 'exit');
  countersFail(false);
  // Messages held by the dead command are visible again within a minute.
  clock.forward(60_000);
  await until(async () => {
    // A write that still failed may bury its dead letter again after a redrive has passed.
    await deadLetters('redrive', '--all', '--per-second', '500');
    return (await accounts()).counted === 1_000;
  });
  assert.equal(await total(long('b', 7)), 1);
});

test(
  'discard asks, archives the dead letter, and shows it as lost; a copy sent later counts nothing',
  patient,
  async () => {
    countersFail(true);
    await post([view('c1', '/c')]);
    await until(async () => (await accounts()).dead === 1);
    const [name = ''] = await names();
    const unasked = await deadLetters('discard', name, '--why', 'a test');
    assert.deepEqual([unasked.code, /add --yes/.test(unasked.err)], [2, true]);
    assert.deepEqual(await names(), [name]);
    const discarded = await deadLetters('discard', name, '--why', 'a test', '--by', 'me', '--yes');
    assert.deepEqual([discarded.code, discarded.out.trim()], [0, '1 discarded']);
    assert.deepEqual(await accounts(), { counted: 1_000, inFlight: 0, dead: 0, parked: 0, lost: 1 });
    assert.deepEqual(await names(), []);

    const client = s3({ region, credentials, endpoint: stack.endpoints.s3 });
    const Bucket = resourceIn(stack, 'AWS::S3::Bucket');
    const Key = `discarded/${name}.json`;
    const { Body } = await client.send(new GetObjectCommand({ Bucket, Key }));
    const kept = JSON.parse((await Body?.transformToString()) ?? '');
    client.destroy();
    assert.deepEqual([kept.discarded.by, kept.discarded.why, kept.history.attempts], ['me', 'a test', 1]);
    assert.equal(`${JSON.parse(kept.body).segment}/${JSON.parse(kept.body).deltas[0][0]}`, name);

    countersFail(false);
    const sqs = createAwsJsonClient('sqs', stack.endpoints.sqs);
    const QueueUrl = resourceIn(stack, 'AWS::SQS::Queue', 'Messages');
    await sqs.call('SendMessage', { QueueUrl, MessageBody: kept.body });
    await until(async () => {
      const AttributeNames = ['ApproximateNumberOfMessages', 'ApproximateNumberOfMessagesNotVisible'];
      const { Attributes } = await sqs.call('GetQueueAttributes', { QueueUrl, AttributeNames });
      return Object.values(Attributes as Record<string, string>).every((messages) => messages === '0');
    });
    assert.deepEqual(await accounts(), { counted: 1_000, inFlight: 0, dead: 0, parked: 0, lost: 1 });
    assert.equal(await total('/c'), 0);
  },
);

/** A message's segment, its parts, and the events of each. */
const carriedIn = (body: string): { segment: string; parts: [number, string, number][] } => {
  const { segment, deltas } = JSON.parse(body);
  return { segment, parts: deltas };
};

test(
  'discard gives up a part that no message carries, and none whose message may be there',
  patient,
  async () => {
    countersFail(true);
    await post(Array.from({ length: 40 }, (_, at) => view(`d${at}`, long('d', at))));
    await until(async () => (await accounts()).dead === 40);
    // Its message may be on its way for a day.
    clock.forward(25 * HOUR_MS);
    const before = await accounts();
    const sqs = createAwsJsonClient('sqs', stack.endpoints.sqs);
    const QueueUrl = resourceIn(stack, 'AWS::SQS::Queue', 'DeadLetters');
    const take = async () => {
      const { Messages } = await sqs.call('ReceiveMessage', { QueueUrl, MaxNumberOfMessages: 10 });
      return Messages as { Body: string; ReceiptHandle: string }[];
    };
    const taken = await take();
    const bodies = taken.map(({ Body }) => Body);
    for (const { ReceiptHandle } of taken)
      await sqs.call('ChangeMessageVisibility', { QueueUrl, ReceiptHandle, VisibilityTimeout: 0 });
    const body = bodies.find((one) => carriedIn(one).parts.length > 1) ?? assert.fail('one part a message');
    const { segment, parts } = carriedIn(body);
    const [first, last] = [parts[0], parts.at(-1)].map((part) => `${segment}/${part?.[0]}`);
    assert.ok(first !== undefined && last !== undefined);
    const discard = (...args: string[]) => deadLetters('discard', ...args, '--why', 'the queue was purged');
    const refused = async (...args: string[]) => {
      const { code, err } = await discard(...args, '--yes');
      assert.deepEqual([code, /No dead letter/.test(err)], [1, true], `${args}: ${err}`);
      assert.deepEqual(await accounts(), before, `${args}`);
      return err;
    };
    assert.match(await refused(last), new RegExp(`${last} is in the message ${first}`));
    await refused(first, '--parked');
    await refused(first, '--reason', 'no such reason');
    await refused(first, '--entity', '/no/such/entity');
    await refused(first, '--segment', '9.9');
    const held = await take();
    await refused(first);
    for (const { ReceiptHandle } of held) await sqs.call('DeleteMessage', { QueueUrl, ReceiptHandle });

    const unasked = await discard(last);
    assert.deepEqual([unasked.code, /may still be in the rollup queue/.test(unasked.err)], [2, true]);
    assert.equal((await discard(last, '--dry-run')).code, 0);
    assert.deepEqual(await accounts(), before);
    const discarded = await discard(last, '--yes');
    assert.deepEqual([discarded.code, discarded.out], [0, `${last}: discarded\n`]);
    const lost = parts.at(-1)?.[2] ?? 0;
    assert.deepEqual(await accounts(), { ...before, dead: 40 - lost, lost: before.lost + lost });
    assert.equal((await discard(last, '--yes')).code, 1, 'it is settled');

    countersFail(false);
    const rollups = resourceIn(stack, 'AWS::SQS::Queue', 'Messages');
    for (const MessageBody of bodies) await sqs.call('SendMessage', { QueueUrl: rollups, MessageBody });
    await until(async () => (await accounts()).dead === 0);
    assert.deepEqual(await accounts(), {
      ...{ counted: before.counted + 40 - lost, inFlight: 0, dead: 0, parked: 0 },
      lost: before.lost + lost,
    });
  },
);

test('a missing stack is reported', patient, async () => {
  const unreachable = await tally(['dead-letters', 'list', '--url', 'http://127.0.0.1:1']);
  assert.deepEqual(
    [unreachable.code, /Nothing answers at http:\/\/127\.0\.0\.1:1/.test(unreachable.err)],
    [4, true],
  );
  const other = await tally(['dead-letters', 'list', '--url', stack.endpoints.dynamodb]);
  assert.deepEqual([other.code, /is not a local stack of Tally/.test(other.err)], [4, true]);
});
