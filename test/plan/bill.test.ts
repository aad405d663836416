// The bill of a load: what is stored costs its storage, and its point-in-time recovery.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { billOf } from '../../plan/bill.ts';
import { USUAL_WORKLOAD } from '../../plan/workload.ts';

test('a stored GB costs $0.25 a month, and $0.20 for point-in-time recovery', () => {
  const sampled = {
    writeUnits: { deltas: 0.01 },
    readUnits: 0,
    sqsRequests: 0,
    putUnits: 0,
    shards: 1,
    hashSlots: 16,
    segmentsPerSecond: 0.2,
    uncompactedBytes: 0,
  };
  const events = USUAL_WORKLOAD.eventsPerSecond * 730 * 3_600;
  const written = (0.01 * events * 0.625) / 1e6;
  const storedGb = (0.01 * events * 1024) / 1024 ** 3;
  const { DynamoDB = 0 } = billOf(USUAL_WORKLOAD, sampled);
  assert.ok(Math.abs(DynamoDB - written - 0.45 * storedGb) < 1e-9, `$${DynamoDB}`);
});
