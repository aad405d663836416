// Waiting until an import is counted: what proves it, and what does not.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Service, waitUntilCounted } from '../../cli/service.ts';
import type { StatusAccounts, TallyClient } from '../../client/src/index.ts';

const NONE = { rejected: 0, duplicate: 0, inFlight: 0, dead: 0, parked: 0, expired: 0, lost: 0 };

/** A service whose status shows these, one after the other, and whose counts are complete from the last one on. */
function serviceWith(
  acceptedAt: number,
  statuses: readonly { readonly received: number; readonly unread: number }[],
) {
  let polls = 0;
  const status = async () => {
    const { received, unread } = statuses[Math.min(polls++, statuses.length - 1)] ?? {
      received: 0,
      unread: 0,
    };
    return { ...NONE, received, counted: received, unread };
  };
  const counts = async () => ({
    completeThrough: new Date(acceptedAt + (polls < statuses.length ? -1 : 1)).toISOString(),
  });
  const client = { status, counts } as unknown as TallyClient;
  const before = { ...NONE, received: 0, counted: 0, rejectedByReason: {} } as StatusAccounts;
  const service: Service = { client, id: 's', before, aheadMs: 0 };
  return { service, polled: () => polls };
}

test('as many events of others do not prove that the import is counted while some are unread', async () => {
  const acceptedAt = Date.now();
  const { service, polled } = serviceWith(acceptedAt, [
    { received: 10, unread: 10 },
    { received: 20, unread: 0 },
  ]);
  const { signal: stop } = new AbortController();
  const settings = { accepted: 10, acceptedAt, metric: 'view', timeoutMs: 60_000, stop };
  assert.equal((await waitUntilCounted(service, settings)).end, 'counted');
  assert.equal(polled(), 2);
});
