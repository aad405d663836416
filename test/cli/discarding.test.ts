// `discard` of a part whose message is not found: given up only if no other can hold the message.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { waitingMessages } from '../../cli/dead-letters/find.ts';
import { change } from '../../cli/dead-letters/run.ts';
import { deadLetterName } from '../../lambdas/core/dead-letter-name.ts';
import { unknownHistory } from '../../lambdas/core/message-history.ts';
import { DAY_MS } from '../../lambdas/core/time.ts';
import { SqsDeadLetters } from '../../lambdas/redriver/dead-letters.aws.ts';
import { StoreWorld, viewed, worldShard } from '../support/store-world.ts';

/** Eleven dead letters, a day old: a command takes the last one in its second batch. */
async function elevenDead(t: TestContext) {
  t.mock.method(console, 'log', () => {});
  t.mock.method(console, 'error', () => {});
  const world = await StoreWorld.make();
  const { sqs } = world.aws;
  const dead = sqs.addQueue('dead');
  sqs.addQueue('rollups');
  const [deadLetterUrl, queueUrl] = [sqs.url('dead'), sqs.url('rollups')];
  const bodies: string[] = [];
  for (let at = 0; at < 11; at++)
    for (const { body } of await world.commit(worldShard(0), [viewed('/a', 1)])) bodies.push(body);
  for (const body of bodies) dead.send(body);
  world.nowMs += 2 * DAY_MS;

  const { sqs: client } = world.aws.clients();
  const archive = { keepParked: async () => {} };
  const redriver = new SqsDeadLetters(client, { deadLetterUrl, queueUrl }, archive as never);
  const waiting = waitingMessages(client, deadLetterUrl, redriver);
  const body = bodies.at(-1) ?? '';
  const name = deadLetterName({ messageId: '', body });
  const lost: string[] = [];
  /** Discards the last dead letter. @param take replaces the second batch @param ask the question; without: `--yes` */
  const discard = async (take: typeof waiting.take = waiting.take, ask?: () => Promise<void>) => {
    let takes = 0;
    const ports = {
      waiting: { ...waiting, take: () => (++takes === 2 ? take() : waiting.take()) },
      deadLetters: redriver,
      parked: {
        read: async () => undefined,
        keepDiscarded: async (gone: { name: string }) => void lost.push(gone.name),
      },
      ledger: world.ledger,
      deltas: world.store,
      clock: world.clock,
    };
    const selection = { names: new Set([name]) };
    const signal = new AbortController().signal;
    const options = { selection, signal, by: 'me', why: 'a test', yes: ask === undefined };
    return change('discard', options, ports as never, ask);
  };
  /** Deletes the last dead letter. */
  const purge = () => {
    for (const { receipt } of dead.receive(11, 0).slice(-1)) dead.delete(receipt);
  };
  return { world, dead, redriver, waiting, body, name, lost, discard, purge };
}

test('the redriver takes the message during the walk, and holds it', async (t) => {
  const { redriver, waiting, lost, discard } = await elevenDead(t);
  const taking = async () => {
    assert.equal((await redriver.take(10)).length, 1);
    return waiting.take();
  };
  await assert.rejects(discard(taking), /No dead letter/);
  assert.deepEqual(lost, []);
});

test('the redriver holds the message only while the walk looks for it', async (t) => {
  const { redriver, waiting, lost, discard } = await elevenDead(t);
  const taking = async () => {
    const held = await redriver.take(10);
    const taken = await waiting.take();
    await redriver.release(held);
    return taken;
  };
  await assert.rejects(discard(taking), /No dead letter/);
  assert.deepEqual(lost, []);
});

test('the redriver returns the message to the rollup queue during the walk', async (t) => {
  const { world, redriver, waiting, lost, discard } = await elevenDead(t);
  const taking = async () => {
    for (const message of await redriver.take(10)) {
      await redriver.giveBack(message, unknownHistory(world.nowMs), 0);
      await redriver.remove(message);
    }
    return waiting.take();
  };
  await assert.rejects(discard(taking), /No dead letter/);
  assert.deepEqual(lost, []);
});

test('the message comes into the queue during the walk, and the redriver takes it at once', async (t) => {
  const { dead, body, redriver, waiting, lost, discard, purge } = await elevenDead(t);
  purge();
  const taking = async () => {
    dead.send(body);
    assert.equal((await redriver.take(10)).length, 1);
    return waiting.take();
  };
  await assert.rejects(discard(taking), /No dead letter/);
  assert.deepEqual(lost, []);
});

test('the message comes into the queue while the question stands', async (t) => {
  const { dead, body, lost, discard, purge } = await elevenDead(t);
  purge();
  const asking = async () => void dead.send(body);
  await assert.rejects(discard(undefined, asking), /Nothing was changed/);
  assert.deepEqual(lost, []);
});

test('the message is gone: the part is given up, with and without a question', async (t) => {
  for (const ask of [undefined, async () => {}]) {
    const { dead, name, lost, discard, purge } = await elevenDead(t);
    purge();
    assert.equal(await discard(undefined, ask), 0);
    assert.deepEqual(lost, [name]);
    assert.equal(dead.counts().visible, 10, 'the others are released');
  }
});
