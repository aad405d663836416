// A month of a load: dollars by service, the settings it needs, and what it meets first.
import { PRICES, usd } from './prices.ts';
import { QUOTAS, WHOLE_CPU_MB } from './quotas.ts';
import { type Sampled, writeUnitsOf } from './sample.ts';
import type { Workload } from './workload.ts';

const MONTH_SECONDS = 730 * 3_600;

/** Microseconds of a whole processor for one event, about. */
const AGGREGATOR_US = 12;
const WRITER_US = 3;
/** What `tally bench compactor` measures, on a processor that others use as well. */
const COMPACTOR_US = 9;
/** Milliseconds that an invocation takes besides: services that answer, and what is paid for waiting. */
const INVOCATION_MS = 60;

/** Dollars a month by service. */
export type Bill = Readonly<
  Record<'API Gateway' | 'Kinesis' | 'Lambda' | 'SQS' | 'DynamoDB' | 'CloudWatch', number>
>;

/** Works a month out. List prices, without free tiers; what a stage costs idle is in it, the canary aside. */
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

/** How full a limit is in the busiest minute. */
export interface Fullness {
  readonly name: string;
  /** 1: full. */
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
