// The monthly bill of a load: dollars by service, the settings it needs, and the limits it meets first.
import { PRICES, totalOf, usd } from './prices.ts';
import type { Sampled } from './sample.ts';
import { eventsOfRequest, type Workload } from './workload.ts';

const MONTH_SECONDS = 730 * 3_600;

/** Approximate microseconds of a full vCPU per event. */
const AGGREGATOR_US = 12;
const WRITER_US = 3;
/** As measured by `tally bench compactor`, on a shared processor. */
const COMPACTOR_US = 9;
/** Additional milliseconds of an invocation: waiting for services, which is billed too. */
const INVOCATION_MS = 60;

/** The memory at which a function has one full vCPU. docs: lambda/latest/dg/configuration-memory.html */
const WHOLE_CPU_MB = 1769;

/** Computes a month, in dollars by service. List prices, without free tiers; includes a stage's idle cost, except the canary. */
export function billOf(workload: Workload, sampled: Sampled): Readonly<Record<string, number>> {
  const events = workload.eventsPerSecond * MONTH_SECONDS;
  const invocations = 2 * sampled.segmentsPerSecond * MONTH_SECONDS + 5 * (MONTH_SECONDS / 60);
  const seconds =
    (events * (AGGREGATOR_US + WRITER_US + COMPACTOR_US)) / 1e6 + (invocations * INVOCATION_MS) / 1_000;
  const storedGb = (events * (sampled.writeUnits['deltas'] ?? 0) * 1024) / 1024 ** 3;
  return {
    'API Gateway': usd(PRICES.gatewayRequests, events / eventsOfRequest(workload)),
    Kinesis:
      usd(PRICES.shardHours, sampled.shards * 730) +
      usd(PRICES.extendedShardHours, sampled.shards * 730) +
      usd(PRICES.putPayloadUnits, events * sampled.putUnits),
    Lambda:
      usd(PRICES.lambdaRequests, invocations) + usd(PRICES.lambdaGbSeconds, seconds * (WHOLE_CPU_MB / 1024)),
    SQS: usd(PRICES.sqsRequests, events * sampled.sqsRequests),
    DynamoDB:
      usd(PRICES.writeUnits, events * totalOf(sampled.writeUnits)) +
      usd(PRICES.readUnits, events * sampled.readUnits) +
      usd(PRICES.tableGbMonths, storedGb) +
      usd(PRICES.pointInTimeGbMonths, storedGb),
    CloudWatch: 12,
  };
}

/**
 * The limits that a load meets, fullest first: `share` is how much of it the busiest minute uses, 1 for all; `mover` is who can
 * raise the limit, or take a load out of its way.
 */
export function limitsOf(workload: Workload, sampled: Sampled) {
  const peak = workload.eventsPerSecond * workload.peakFactor;
  const limits = [
    {
      // docs: apigateway/latest/developerguide/limits.html
      name: 'requests/s of API Gateway in an account',
      share: peak / eventsOfRequest(workload) / 10_000,
      mover: 'AWS, on request',
    },
    {
      // docs: streams/latest/dev/service-sizes-and-limits.html
      name: 'Kinesis shards in an account',
      share: sampled.shards / 20_000,
      mover: 'AWS, on request',
    },
    {
      // docs: amazondynamodb/latest/developerguide/ServiceQuotas.html
      name: 'write units/s of an on-demand table',
      share: (peak * totalOf(sampled.writeUnits)) / 40_000,
      mover: 'AWS, on request',
    },
    {
      // docs: amazondynamodb/latest/developerguide/bp-partition-key-design.html
      name: 'write units/s of a partition',
      share: (peak * (sampled.writeUnits['deltas'] ?? 0)) / sampled.hashSlots / 1_000,
      mover: 'fixed',
    },
    {
      // lambdas/compactor: a second run helps little while the first one works.
      name: "seconds of the compactor's hour",
      share: (peak * COMPACTOR_US) / 1e6,
      mover: 'our code',
    },
  ];
  return limits.toSorted((a, b) => b.share - a.share);
}
