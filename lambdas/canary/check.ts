// The canary's second task: read its own counts as a client does, and judge them.
import {
  CANARY_ENTITY,
  CANARY_EXPECTED_METRIC,
  CANARY_METRIC,
  type CanaryVerdict,
  CHECKED_MS,
  judgeCanary,
  minuteStartMs,
} from '../core/canary.ts';
import { MINUTE_MS } from '../core/time.ts';
import type { MinuteCountsReader } from '../ports.ts';

/** Reads the counts of the last hours and judges them. @param nowMs the time, epoch milliseconds */
export async function check(nowMs: number, counts: MinuteCountsReader): Promise<CanaryVerdict> {
  const minuteMs = minuteStartMs(nowMs);
  const read = (metric: string) =>
    counts.readMinutes(metric, CANARY_ENTITY, minuteMs - CHECKED_MS, minuteMs + MINUTE_MS);
  const [counted, expected] = await Promise.all([read(CANARY_METRIC), read(CANARY_EXPECTED_METRIC)]);
  return judgeCanary(counted, expected, nowMs);
}
