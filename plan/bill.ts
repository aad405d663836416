// A month in dollars, by service, from list prices.
import { assumed } from './assumptions.ts';
import type { Flows, Model } from './model.ts';
import { PRICES, usd } from './prices.ts';
import {
  LONG_POLL_SECONDS,
  PUT_UNIT_BYTES,
  QUEUE_POLLERS,
  SQS_BATCH_MESSAGES,
  SQS_UNIT_BYTES,
  STORED_ITEM_BYTES,
} from './quotas.ts';
import { recordBytes } from './segments.ts';
import type { Workload } from './workload.ts';

/** One line of the bill. */
export interface BillLine {
  readonly service: 'API Gateway' | 'Kinesis' | 'Lambda' | 'SQS' | 'DynamoDB' | 'CloudWatch' | 'S3';
  readonly what: string;
  readonly units: number;
  readonly usd: number;
}

/** A month as AWS's calculators have it: 730 hours. */
export const MONTH_HOURS = 730;
export const MONTH_SECONDS = MONTH_HOURS * 3_600;
const DAY_SECONDS = 86_400;
const MONTH_DAYS = MONTH_SECONDS / DAY_SECONDS;
const GB = 1024 ** 3;

/** What watching a stage takes (README): alarms and composite ones are those of the template, metrics about so many. */
export const WATCHED = { metrics: 50, alarms: 45, composites: 5, dashboards: 1 } as const;
/** Runs a minute of what is scheduled: accountant, canary and redriver once, the compactor every five minutes. */
const SCHEDULED_RUNS_A_MINUTE = 3.2;
/** Memory of accountant, canary and redriver (lib/), and seconds that the three take a minute besides what shards cost. */
const SCHEDULED_GB = 0.25;
const SCHEDULED_SECONDS_A_MINUTE = 3;
/** A day's, month's or total's item. */
const LEVEL_ITEM_BYTES = 300;
/** The canary asks for two ranges a minute. */
const CANARY_REQUESTS_PER_SECOND = 2 / 60;

/** Requests a second to POST /v1/events: none where producers write packed records themselves. */
export function requestsPerSecond(w: Workload): number {
  return w.eventsPerRecord > 1 ? 0 : w.eventsPerSecond / w.eventsPerRequest;
}

/**
 * SQS requests for one segment's messages: sent by tens, and received by pollers that share each ten by chance; what carries bodies is
 * billed by 64 KB.
 */
export function carryingRequests(messages: number, messageBytes: number): number {
  const tens = Math.floor(messages / SQS_BATCH_MESSAGES);
  return (
    tens * requestsForTogether(SQS_BATCH_MESSAGES, messageBytes) +
    requestsForTogether(messages % SQS_BATCH_MESSAGES, messageBytes)
  );
}

function requestsForTogether(messages: number, messageBytes: number): number {
  const requests = (together: number) => Math.ceil((together * messageBytes) / SQS_UNIT_BYTES);
  const share = 1 / QUEUE_POLLERS;
  let received = 0;
  // How likely a poller gets none of them, then one, two, …
  let likely = (1 - share) ** messages;
  for (let gets = 0; gets <= messages; gets += 1) {
    received += QUEUE_POLLERS * likely * requests(gets);
    likely *= ((messages - gets) / (gets + 1)) * (share / (1 - share));
  }
  return requests(messages) + received;
}

/** SQS requests a second: messages on their way, and deleted by tens once a writer is through its batch. */
export function sqsRequestsPerSecond({ segments, counters }: Pick<Flows, 'segments' | 'counters'>): number {
  const deletes = Math.max(counters.invocationsPerSecond, counters.messagesPerSecond / SQS_BATCH_MESSAGES);
  return segments.perSecond * carryingRequests(segments.messagesEach, segments.messageBytes) + deletes;
}

/** Bytes in both tables once what expires does, and after `storedMonths` of what does not. */
export function storedBytes({ mean, configuration: c }: Model): {
  counters: number;
  levels: number;
  ledger: number;
} {
  const kept = (days: number | 'forever') =>
    Math.min(days === 'forever' ? Number.POSITIVE_INFINITY : days, assumed('storedMonths') * MONTH_DAYS);
  const levelBytes = LEVEL_ITEM_BYTES + STORED_ITEM_BYTES;
  return {
    counters: mean.counters.bytesPerSecond * DAY_SECONDS * kept(c.minuteRetentionDays),
    levels: mean.levels.storedDaysADay * levelBytes * kept(c.hourRetentionDays),
    ledger: mean.ledger.storedBytesPerSecond * DAY_SECONDS * kept(c.ledgerRetentionDays),
  };
}

/** The bill of a month. Queries are not in it: docs/access-patterns.md says what each costs. */
export function billOf(model: Model): readonly BillLine[] {
  return [
    ...frontDoor(model),
    ...stream(model),
    ...functions(model),
    ...tables(model),
    ...watching(model),
    ...archive(model),
  ];
}

/** What a bill comes to, US dollars a month. */
export function totalUsd(bill: readonly BillLine[]): number {
  return bill.reduce((sum, line) => sum + line.usd, 0);
}

function line(
  service: BillLine['service'],
  what: string,
  price: keyof typeof PRICES,
  units: number,
): BillLine {
  return { service, what, units, usd: usd(PRICES[price], units) };
}

function frontDoor({ workload }: Model): BillLine[] {
  const requests = (requestsPerSecond(workload) + CANARY_REQUESTS_PER_SECOND) * MONTH_SECONDS;
  const out = (requests * assumed('responseBytes')) / GB;
  return [
    line('API Gateway', 'requests', 'gatewayRequests', requests),
    line('API Gateway', 'answers, GB out', 'dataOutGb', out),
  ];
}

function stream({ workload: w, configuration: c }: Model): BillLine[] {
  const hours = c.streamShards * MONTH_HOURS;
  const records = w.eventsPerSecond / w.eventsPerRecord + c.streamShards / 60;
  const units = records * Math.ceil(recordBytes(w) / PUT_UNIT_BYTES) * MONTH_SECONDS;
  return [
    line('Kinesis', 'shard hours', 'shardHours', hours),
    line(
      'Kinesis',
      'shard hours kept beyond a day',
      'extendedShardHours',
      c.streamRetentionHours > 24 ? hours : 0,
    ),
    line('Kinesis', 'PUT payload units', 'putPayloadUnits', units),
  ];
}

/** The same stream on demand: for comparison, and for README's figures. */
export function onDemandStreamUsd(w: Workload, events: number): number {
  const gb = ((events / w.eventsPerRecord) * Math.ceil(recordBytes(w) / 1024) * 1024) / GB;
  return usd(PRICES.onDemandInGb, gb) + usd(PRICES.onDemandOutGb, gb);
}

function functions({ mean, configuration: c }: Model): BillLine[] {
  const { segments, counters, levels } = mean;
  const minutes = MONTH_SECONDS / 60;
  const accountantSeconds = accountantSecondsOf(c.streamShards);
  const gbSeconds =
    (segments.concurrency * c.aggregatorMemoryMb * MONTH_SECONDS) / 1024 +
    (counters.concurrency * c.writerMemoryMb * MONTH_SECONDS) / 1024 +
    SCHEDULED_GB * (SCHEDULED_SECONDS_A_MINUTE + accountantSeconds) * minutes +
    (levels.secondsAnHour * MONTH_HOURS * c.compactorMemoryMb) / 1024;
  const batches = (segments.batchesPerSecond + counters.invocationsPerSecond) * MONTH_SECONDS;
  const polls = (QUEUE_POLLERS / LONG_POLL_SECONDS) * MONTH_SECONDS;
  const messages = sqsRequestsPerSecond(mean) * MONTH_SECONDS;
  return [
    line('Lambda', 'invocations', 'lambdaRequests', batches + SCHEDULED_RUNS_A_MINUTE * minutes),
    line('Lambda', 'GB-seconds', 'lambdaGbSeconds', gbSeconds),
    line('SQS', 'requests of 64 KB, and looking', 'sqsRequests', messages + polls),
  ];
}

/** How long the accountant takes for so many shards, seconds: one after the other. */
export function accountantSecondsOf(shards: number): number {
  return shards * assumed('accountantCalls') * assumed('callSeconds');
}

function tables(model: Model): BillLine[] {
  const { counters, ledger, levels } = model.mean;
  const stored = storedBytes(model);
  const gb = (stored.counters + stored.levels + stored.ledger) / GB;
  const month = (perSecond: number) => perSecond * MONTH_SECONDS;
  const otherWrites = ledger.writeUnitsPerSecond - ledger.idWriteUnitsPerSecond;
  return [
    line('DynamoDB', 'counting: write units', 'writeUnits', month(counters.writeUnitsPerSecond)),
    line('DynamoDB', 'remembering ids: write units', 'writeUnits', month(ledger.idWriteUnitsPerSecond)),
    line('DynamoDB', 'dedup windows: read units', 'readUnits', month(ledger.windowReadUnitsPerSecond)),
    line('DynamoDB', 'rest of the ledger: write units', 'writeUnits', month(otherWrites)),
    line('DynamoDB', 'rest of the ledger: read units', 'readUnits', month(ledger.otherReadUnitsPerSecond)),
    line('DynamoDB', 'days, months, totals: write units', 'writeUnits', month(levels.writeUnitsPerSecond)),
    line('DynamoDB', 'days, months, totals: read units', 'readUnits', month(levels.readUnitsPerSecond)),
    line('DynamoDB', 'stored GB', 'tableGbMonths', gb),
    line('DynamoDB', 'stored GB, restorable to any second', 'pointInTimeGbMonths', gb),
  ];
}

function watching({ workload, mean }: Model): BillLine[] {
  const invocations =
    mean.segments.batchesPerSecond + mean.counters.invocationsPerSecond + SCHEDULED_RUNS_A_MINUTE / 60;
  const bytes =
    invocations * assumed('invocationLogBytes') + requestsPerSecond(workload) * assumed('accessLogBytes');
  return [
    line('CloudWatch', 'metrics', 'metricMonths', WATCHED.metrics),
    line('CloudWatch', 'alarms', 'alarmMonths', WATCHED.alarms),
    line('CloudWatch', 'composite alarms', 'compositeAlarmMonths', WATCHED.composites),
    line('CloudWatch', 'dashboards', 'dashboardMonths', WATCHED.dashboards),
    line('CloudWatch', 'logs, GB', 'logGb', (bytes * MONTH_SECONDS) / GB),
  ];
}

/** Raw records, where a stage keeps them: the puts; what they weigh depends on how they compress. */
function archive({ mean, configuration }: Model): BillLine[] {
  if (!configuration.archiveRawEvents) return [];
  return [line('S3', 'puts of raw records', 's3Puts', mean.segments.perSecond * MONTH_SECONDS)];
}
