// The monthly bill of a load: dollars by service, the settings it needs, and the limits it meets first.
import { PRICES, usd } from './prices.ts';
import { QUOTAS, WHOLE_CPU_MB } from './quotas.ts';
import { type Sampled, writeUnitsOf } from './sample.ts';
import type { Workload } from './workload.ts';

const MONTH_SECONDS = 730 * 3_600;

/** Approximate microseconds of a full vCPU per event. */
const AGGREGATOR_US = 12;
const WRITER_US = 3;
/** As measured by `tally bench compactor`, on a shared processor. */
const COMPACTOR_US = 9;
/** Additional milliseconds of an invocation: waiting for services, which is billed too. */
const INVOCATION_MS = 60;

/** Dollars a month by service. */
export type Bill = Readonly<
  Record<'API Gateway' | 'Kinesis' | 'Lambda' | 'SQS' | 'DynamoDB' | 'CloudWatch', number>
>;

/** Computes a month. List prices, without free tiers; includes a stage's idle cost, except the canary. */
export function billOf(workload: Workload, sampled: Sampled): Bill {
  const events = workload.eventsPerSecond * MONTH_SECONDS;
  const invocations = 2 * sampled.segmentsPerSecond * MONTH_SECONDS + 5 * (MONTH_SECONDS / 60);
  const seconds =
    (events * (AGGREGATOR_US + WRITER_US + COMPACTOR_US)) / 1e6 + (invocations * INVOCATION_MS) / 1_000;
  const storedGb = (events * (sampled.writeUnits['deltas'] ?? 0) * 1024) / 1024 ** 3;
  return {
    'API Gateway': usd(PRICES.gatewayRequests, events / workload.eventsPerRequest),
    Kinesis:
      usd(PRICES.shardHours, sampled.shards * 730) +
      usd(PRICES.extendedShardHours, sampled.shards * 730) +
      usd(PRICES.putPayloadUnits, events * sampled.putUnits),
    Lambda:
      usd(PRICES.lambdaRequests, invocations) + usd(PRICES.lambdaGbSeconds, seconds * (WHOLE_CPU_MB / 1024)),
    SQS: usd(PRICES.sqsRequests, events * sampled.sqsRequests),
    DynamoDB:
      usd(PRICES.writeUnits, events * writeUnitsOf(sampled)) +
      usd(PRICES.readUnits, events * sampled.readUnits) +
      usd(PRICES.tableGbMonths, storedGb),
    CloudWatch: 12,
  };
}

/** How much of a limit the busiest minute uses. */
export interface Fullness {
  readonly name: string;
  /** 1: all of it. */
  readonly share: number;
  readonly mover: string;
}

/** The limits that a load meets, fullest first. */
export function limitsOf(workload: Workload, sampled: Sampled): readonly Fullness[] {
  const peak = workload.eventsPerSecond * workload.peakFactor;
  const slotWrites = (peak * (sampled.writeUnits['deltas'] ?? 0)) / sampled.hashSlots;
  const loads = {
    gatewayRequests: peak / workload.eventsPerRequest,
    shards: sampled.shards,
    tableWriteUnits: peak * writeUnitsOf(sampled),
    partitionWriteUnits: slotWrites,
    compactorSeconds: (peak * COMPACTOR_US * 3_600) / 1e6,
  };
  return Object.entries(loads)
    .map(([name, load]) => {
      const quota = QUOTAS[name as keyof typeof loads];
      return { name: quota.name, share: load / quota.limit, mover: quota.mover };
    })
    .sort((a, b) => b.share - a.share);
}
