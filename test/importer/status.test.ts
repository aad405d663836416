// Waiting until everything is counted, with accounts as a service would answer them, one poll after the other.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Answer, type HttpClient, RequestFailed } from '../../importer/http-client.ts';
import { type Accounts, waitUntilCounted } from '../../importer/status.ts';

const none: Accounts = {
  received: 0,
  duplicate: 0,
  rejected: 0,
  counted: 0,
  inFlight: 0,
  dead: 0,
  parked: 0,
  expired: 0,
  lost: 0,
};

/** Waits for 10 events after 100 earlier ones; `polls` are the answers, `undefined` is a service that is away. */
async function wait(polls: readonly (Partial<Accounts> | undefined)[], timeoutMs?: number) {
  let asked = 0;
  let nowMs = 0;
  const answer = async (): Promise<Answer> => {
    const accounts = polls[Math.min(asked++, polls.length - 1)];
    if (!accounts) throw new RequestFailed('away', false, undefined);
    return { status: 200, retryAfter: undefined, body: JSON.stringify({ ...none, ...accounts }) };
  };
  const client: HttpClient = { get: answer, post: answer, close: () => undefined };
  const ports = {
    client,
    now: () => nowMs,
    sleep: async (ms: number) => {
      nowMs += ms;
    },
    stop: new AbortController().signal,
  };
  const before = { ...none, received: 100, counted: 98, dead: 2 };
  const waited = await waitUntilCounted({ before, accepted: 10, pollMs: 500, timeoutMs }, ports);
  return { ...waited, asked };
}

test('neither too few received nor some in flight nor newly dead is the end', async () => {
  const { end, asked, grown } = await wait([
    { received: 100, counted: 98, dead: 2 },
    { received: 105, counted: 103, dead: 2 },
    undefined,
    { received: 110, counted: 105, inFlight: 3, dead: 2 },
    { received: 110, counted: 107, dead: 3 },
    { received: 110, counted: 108, dead: 2 },
  ]);
  assert.deepEqual([end, asked], ['counted', 6]);
  assert.deepEqual([grown.received, grown.counted, grown.dead], [10, 10, 0]);
});

test('with other producers: until as much is settled as was received, and it says so', async () => {
  const { end, asked } = await wait([
    { received: 112, inFlight: 8, dead: 2 },
    { received: 130, inFlight: 20, dead: 2 },
    { received: 140, inFlight: 25, dead: 2 },
  ]);
  assert.deepEqual([end, asked], ['others-active', 3]);
});

test('--wait-timeout', async () => {
  assert.equal((await wait([{ received: 105 }], 5000)).end, 'timed-out');
});
