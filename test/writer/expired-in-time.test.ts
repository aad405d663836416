// Rows past their retention: keeping them in the archive must leave the writer the time to report.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { segmentId } from '../../lambdas/core/identifiers.ts';
import { DEFAULT_RETRY_POLICY } from '../../lambdas/core/retry-policy.ts';
import { DAY_MS } from '../../lambdas/core/time.ts';
import { NO_WATERMARK } from '../../lambdas/core/watermark.ts';
import type { DeliveredMessage } from '../../lambdas/dead-letter-ports.ts';
import { writeRollups } from '../../lambdas/writer/write.ts';
import { WRITER_TIMEOUT_SECONDS } from '../../lib/configuration-rules.ts';
import { ARRIVAL_HOUR, messagesOf, rowOf } from '../support/messages.ts';
import { ARRIVAL_MS, CONFIG, SHARD_KEY } from '../support/records.ts';

/** S3 takes 20 to 100 ms for a small object from a function of 512 MB, an update of the ledger 5 to 10. */
const [PUT_MS, NOTE_MS, REPORT_RESERVE_MS] = [120, 10, 15_000];

test('a message with many deltas of old rows does not run into the time-out of the writer', async () => {
  // An import of last year's log, where minutes are kept for a month; `hashSlots` 256.
  const rows = Array.from({ length: 1_500 }, (_, index) => rowOf(`/${index}`, 1, ARRIVAL_HOUR - 365 * 24));
  const [sent] = messagesOf(segmentId(SHARD_KEY, 1), rows, { ...CONFIG, slotBits: 8 });
  const message: DeliveredMessage = {
    ...{ messageId: 'm', receiptHandle: 'r', receiveCount: 1, history: undefined },
    body: sent?.body ?? '',
  };
  let nowMs = ARRIVAL_MS;
  const stored = new Set<number>();
  const acked = new Set<number>();
  const run = async () => {
    const beganMs = nowMs;
    const { retry } = await writeRollups(
      [message],
      {
        deltas: {
          putDelta: async ({ part }) => {
            stored.add(part);
            return 'stored';
          },
        },
        ledger: {
          acknowledge: async (_, parts) => {
            for (const part of parts) acked.add(part);
            return undefined;
          },
          notePlace: async () => {},
          noteExpired: async ({ part }) => {
            nowMs += NOTE_MS;
            return acked.has(part) ? 'acknowledged' : 'noted';
          },
          readWatermark: async () => NO_WATERMARK,
        },
        expired: {
          keepExpired: async () => {
            nowMs += PUT_MS;
          },
        },
        failed: { delay: async () => {}, bury: async () => {} },
        retryPolicy: { current: async () => DEFAULT_RETRY_POLICY },
        clock: { nowMs: () => nowMs },
        random: () => 0,
      },
      {
        retentions: { hours: 30 * DAY_MS, days: undefined, months: undefined, all: undefined },
        concurrency: 32,
      },
      () => nowMs < beganMs + WRITER_TIMEOUT_SECONDS * 1000 - REPORT_RESERVE_MS,
    );
    return { retry, tookMs: nowMs - beganMs };
  };
  let left = true;
  for (let runs = 0; left && runs < 20; runs += 1) {
    const { retry, tookMs } = await run();
    assert.ok(
      tookMs < WRITER_TIMEOUT_SECONDS * 1000,
      `a run takes ${tookMs / 1000} s, and the writer has 30`,
    );
    left = retry.length > 0;
  }
  assert.ok(!left, 'it is written in some runs');
});
