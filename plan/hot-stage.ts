// What a plan says about its hot entity, as the simulation of it takes it.
import { type BucketMinutes, isBucketMinutes } from '../lambdas/counting/time.ts';
import { WRITER_TIMEOUT_SECONDS } from '../lib/configuration-rules.ts';
import { assumed } from './assumptions.ts';
import { type Choice, chooseSettings } from './choose.ts';
import { USUAL_WORKLOAD, type Workload } from './workload.ts';

/** Half of 100,000 events a second of one entity. */
export const HOT_WORKLOAD: Workload = {
  ...USUAL_WORKLOAD,
  eventsPerSecond: 100_000,
  entities: 1_000_000,
  hotShare: 0.5,
};

/** The figures. @param choice settings for a load with a hot entity */
export function hotStage({ model }: Choice = chooseSettings(HOT_WORKLOAD)) {
  const { configuration: c, workload, mean, peak } = model;
  const { bucketMinutes } = c;
  if (!isBucketMinutes(bucketMinutes)) throw new RangeError(`${bucketMinutes} minutes are no bucket`);
  return {
    shards: c.streamShards,
    bucketMinutes: bucketMinutes as BucketMinutes,
    secondsApart: mean.segments.secondsApart,
    messagesPerSegment: mean.segments.messagesEach,
    hotEvents: mean.segments.eventsEach * workload.hotShare,
    messagesEach: Math.floor(peak.counters.messagesEach),
    writerWindowSeconds: c.writerWindowSeconds,
    writers: c.writerConcurrency,
    writerTimeoutSeconds: WRITER_TIMEOUT_SECONDS,
    visibilitySeconds: 6 * WRITER_TIMEOUT_SECONDS + c.writerWindowSeconds,
    segmentSeconds: peak.segments.secondsEach,
    batchSeconds: peak.counters.secondsEach,
    segmentIdBytes: assumed('segmentIdBytes'),
    freshnessSeconds: model.freshnessSeconds,
  };
}
