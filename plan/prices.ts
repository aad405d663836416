// AWS list prices, each with its source page (docs/plan.md says which were checked again). No discounts, free tiers, taxes.

/** The region and date of the prices. */
export const PRICE_LIST = { region: 'us-east-1', asOf: '2026-11' } as const;

/** A list price: dollars for `per` units, in tiers by the units of a month. */
export interface Price {
  /** US dollars for `per` units, for each tier up to `upTo` units a month; the last tier has no end. */
  readonly steps: readonly { readonly usd: number; readonly upTo: number }[];
  readonly per: number;
  readonly source: string;
}

const MILLION = 1e6;

function flat(usd: number, per: number, source: string): Price {
  return { steps: [{ usd, upTo: Number.POSITIVE_INFINITY }], per, source };
}

const KINESIS = 'aws.amazon.com/kinesis/data-streams/pricing';
const LAMBDA = 'aws.amazon.com/lambda/pricing (arm64)';
const DYNAMODB = 'aws.amazon.com/dynamodb/pricing/on-demand (Standard class)';
const CLOUDWATCH = 'aws.amazon.com/cloudwatch/pricing';

/** Every price that the plan uses. */
export const PRICES = {
  gatewayRequests: {
    steps: [
      { usd: 3.5, upTo: 333 * MILLION },
      { usd: 2.8, upTo: 1_000 * MILLION },
      { usd: 2.38, upTo: 20_000 * MILLION },
      { usd: 1.51, upTo: Number.POSITIVE_INFINITY },
    ],
    per: MILLION,
    source: 'aws.amazon.com/api-gateway/pricing (REST API)',
  },
  shardHours: flat(0.015, 1, KINESIS),
  /** Retention from 24 hours to 7 days, whatever its length. */
  extendedShardHours: flat(0.02, 1, KINESIS),
  /** Each record is rounded up to units of 25 KB. */
  putPayloadUnits: flat(0.014, MILLION, KINESIS),
  lambdaRequests: flat(0.2, MILLION, LAMBDA),
  lambdaGbSeconds: flat(0.0000133334, 1, LAMBDA),
  sqsRequests: flat(0.4, MILLION, 'aws.amazon.com/sqs/pricing (standard queues)'),
  writeUnits: flat(0.625, MILLION, DYNAMODB),
  readUnits: flat(0.125, MILLION, DYNAMODB),
  tableGbMonths: flat(0.25, 1, DYNAMODB),
  /** Both tables have point-in-time recovery (lib/tables.ts). */
  pointInTimeGbMonths: flat(0.2, 1, DYNAMODB),
  metricMonths: flat(0.3, 1, CLOUDWATCH),
  alarmMonths: flat(0.1, 1, CLOUDWATCH),
  compositeAlarmMonths: flat(0.5, 1, CLOUDWATCH),
  dashboardMonths: flat(3, 1, CLOUDWATCH),
  logGb: flat(0.5, 1, CLOUDWATCH),
} as const satisfies Readonly<Record<string, Price>>;

/** The cost of a month's units, in US dollars. @param units at least 0 */
export function usd(price: Price, units: number): number {
  let sum = 0;
  let from = 0;
  for (const step of price.steps) {
    sum += (Math.max(0, Math.min(units, step.upTo) - from) / price.per) * step.usd;
    from = step.upTo;
  }
  return sum;
}

/** The sum of a bill, or of units by purpose. */
export function totalOf(bill: Readonly<Record<string, number>>): number {
  return Object.values(bill).reduce((sum, each) => sum + each, 0);
}
