// The canary Lambda: sends a known number of events every minute, and checks through the API that they were counted.
import { kinesis } from '../aws/clients/kinesis.ts';
import { defaultProvider } from '../aws/credentials.ts';
import { text } from '../aws/environment.ts';
import { systemClock, telemetry } from '../aws/telemetry.ts';
import type { CanaryVerdict } from '../core/canary.ts';
import { isoSeconds } from '../core/time.ts';
import { check } from './check.ts';
import { kinesisHeartbeats } from './heartbeat-stream.aws.ts';
import { type HeartbeatPorts, sendHeartbeats } from './send-heartbeats.ts';
import { signedQuery } from './signed-query.aws.ts';

const { env } = process;
const { logger, count, handlerOf } = telemetry(env);
const ports: HeartbeatPorts = {
  stream: kinesisHeartbeats(kinesis(), text(env, 'STREAM_NAME')),
  pause: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
};
const signer = { region: text(env, 'AWS_REGION'), credentials: defaultProvider() };
const counts = signedQuery(new URL(text(env, 'API_URL')), signer, systemClock);

/** Each task runs even if the other fails. */
async function sendAndCheck(): Promise<void> {
  const nowMs = systemClock.nowMs();
  const [sent, verdict] = await Promise.allSettled([sendHeartbeats(nowMs, ports), check(nowMs, counts)]);
  if (verdict.status === 'fulfilled') publish(verdict.value, sent.status === 'fulfilled');
  for (const outcome of [sent, verdict]) if (outcome.status === 'rejected') throw outcome.reason;
}

/** What was not sent is not late: only a missing figure makes CanaryLate go off. */
function publish({ difference, differing, lateMinutes }: CanaryVerdict, wasSent: boolean): void {
  count({ CanaryDifference: difference, ...(wasSent && { CanaryLateMinutes: lateMinutes }) });
  if (difference > 0)
    logger.error("the canary's counts differ", { difference, minutes: differing.map(isoSeconds) });
}

export const handler = handlerOf(sendAndCheck);
