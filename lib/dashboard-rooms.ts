// The dashboard's rooms, with the four golden signals of each: the way of an event, and what stands around it.
import type { IMetric } from 'aws-cdk-lib/aws-cloudwatch';
import type { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import { type Reported, sums } from './tally-metric.ts';
import type { Watched } from './watched.ts';

/** A room of the house, as its four golden signals. */
export interface Room {
  readonly title: string;
  /** How much passes. */
  readonly traffic: IMetric[];
  /** How long it waits, or takes. */
  readonly latency: IMetric[];
  /** What goes wrong. */
  readonly errors: IMetric[];
  /** How full it is. */
  readonly saturation: IMetric[];
}

const p99 = { statistic: 'p99' } as const;
const most = { statistic: 'Maximum' } as const;

/** Client → front door → stream → aggregator → queue → writer → counters. */
export function roomsOfTheWay(watched: Watched, reported: Reported): Room[] {
  const { api, stream, queue, counters, ledger, functions } = watched;
  const { aggregator, writer } = functions;
  return [
    {
      title: 'Front door',
      traffic: [api.metricCount(sums)],
      latency: [
        api.metricLatency({ statistic: 'p50' }),
        api.metricLatency(p99),
        api.metricIntegrationLatency(p99),
      ],
      errors: [api.metricClientError(sums), api.metricServerError(sums)],
      saturation: [stream.metric('PutRecords.ThrottledRecords', sums)],
    },
    {
      title: 'Stream',
      traffic: [stream.metricIncomingRecords(sums), stream.metricIncomingBytes(sums)],
      latency: [stream.metricGetRecordsIteratorAgeMilliseconds(most)],
      errors: [stream.metric('PutRecords.FailedRecords', sums)],
      saturation: [
        stream.metricWriteProvisionedThroughputExceeded(sums),
        stream.metricReadProvisionedThroughputExceeded(sums),
      ],
    },
    {
      title: 'Aggregator',
      traffic: [
        reported('aggregator', 'RecordsRead'),
        reported('aggregator', 'SegmentsPlanned'),
        reported('aggregator', 'RowsEmitted'),
        reported('aggregator', 'RollupMessages'),
      ],
      latency: [aggregator.metric('IteratorAge', most), aggregator.metricDuration(p99)],
      errors: [
        aggregator.metricErrors(sums),
        reported('aggregator', 'SegmentsRecovered'),
        reported('aggregator', 'EventsRejected'),
        reported('aggregator', 'RecordsLost'),
      ],
      saturation: [...concurrency(aggregator), ledger.metric('WriteThrottleEvents', sums)],
    },
    {
      title: 'Queue',
      traffic: [queue.metricNumberOfMessagesSent(sums), queue.metricNumberOfMessagesDeleted(sums)],
      latency: [queue.metricApproximateAgeOfOldestMessage(most)],
      errors: [reported('writer', 'MessagesDelayed'), reported('writer', 'MessagesDead')],
      saturation: waiting(queue),
    },
    {
      title: 'Writer',
      traffic: [
        reported('writer', 'MessagesReceived'),
        reported('writer', 'RowsApplied'),
        reported('writer', 'RowsAlreadyApplied'),
        reported('writer', 'UpdatesCoalesced'),
      ],
      latency: [writer.metricDuration({ statistic: 'p50' }), writer.metricDuration(p99)],
      errors: [
        writer.metricErrors(sums),
        reported('writer', 'MessagesDelayed'),
        reported('writer', 'RetryParameterProblems'),
      ],
      saturation: concurrency(writer),
    },
    {
      title: 'Counters',
      traffic: [
        counters.metricConsumedWriteCapacityUnits(sums),
        reported('writer', 'WriteUnits'),
        counters.metricConsumedReadCapacityUnits(sums),
      ],
      latency: [
        counters.metricSuccessfulRequestLatency({ ...p99, dimensionsMap: onTable(counters, 'UpdateItem') }),
      ],
      errors: [counters.metric('ConditionalCheckFailedRequests', sums)],
      saturation: [counters.metric('WriteThrottleEvents', sums), counters.metric('ReadThrottleEvents', sums)],
    },
  ];
}

/** Dead letters ↔ redriver; ledger → accountant; canary and auditor; counters → query → client. */
export function roomsAround(watched: Watched, reported: Reported): Room[] {
  const { deadLetters, ledger, functions } = watched;
  const { redriver, accountant, canary, auditor, query } = functions;
  return [
    {
      title: 'Dead letters',
      traffic: [
        reported('writer', 'MessagesDead'),
        reported('redriver', 'DeadLettersReturned'),
        reported('redriver', 'DeadLettersParked'),
      ],
      latency: [deadLetters.metricApproximateAgeOfOldestMessage(most), redriver.metricDuration(p99)],
      errors: [
        redriver.metricErrors(sums),
        reported('redriver', 'DeadLettersFailed'),
        reported('redriver', 'RedriveProbesFailed'),
      ],
      saturation: waiting(deadLetters),
    },
    {
      title: 'Ledger',
      traffic: [
        ledger.metricConsumedWriteCapacityUnits(sums),
        ledger.metricConsumedReadCapacityUnits(sums),
        reported('writer', 'PartsAcknowledged'),
      ],
      latency: [ledger.metricSuccessfulRequestLatency({ ...p99, dimensionsMap: onTable(ledger, 'PutItem') })],
      errors: [ledger.metric('ConditionalCheckFailedRequests', sums)],
      saturation: [ledger.metric('WriteThrottleEvents', sums), ledger.metric('ReadThrottleEvents', sums)],
    },
    {
      title: 'Accountant',
      traffic: [accountant.metricInvocations(sums)],
      latency: [accountant.metricDuration(p99)],
      errors: [accountant.metricErrors(sums), reported('accountant', 'StreamGaps')],
      saturation: [accountant.metricThrottles(sums)],
    },
    {
      title: 'Canary',
      traffic: [reported('canary', 'CanarySent')],
      latency: [reported('canary', 'CanaryLateMinutes', 'Maximum')],
      errors: [canary.metricErrors(sums), reported('canary', 'CanaryDifference', 'Maximum')],
      saturation: [canary.metricThrottles(sums)],
    },
    {
      title: 'Auditor',
      traffic: [reported('auditor', 'AuditItems'), reported('auditor', 'ItemsRepaired')],
      latency: [auditor.metricDuration(p99)],
      errors: [
        auditor.metricErrors(sums),
        reported('auditor', 'AuditsFailed'),
        reported('auditor', 'AuditDifferences'),
      ],
      saturation: [auditor.metricThrottles(sums)],
    },
    {
      title: 'Query',
      traffic: [reported('query', 'Queries'), reported('query', 'QueriesRefused')],
      latency: [query.metricDuration({ statistic: 'p50' }), query.metricDuration(p99)],
      errors: [query.metricErrors(sums), reported('query', 'QueriesFailed')],
      saturation: concurrency(query),
    },
  ];
}

function waiting(queue: Queue): IMetric[] {
  return [
    queue.metricApproximateNumberOfMessagesVisible(most),
    queue.metricApproximateNumberOfMessagesNotVisible(most),
    queue.metricApproximateNumberOfMessagesDelayed(most),
  ];
}

function concurrency(watched: LambdaFunction): IMetric[] {
  return [watched.metricThrottles(sums), watched.metric('ConcurrentExecutions', most)];
}

function onTable({ tableName }: Watched['counters'], Operation: string): Record<string, string> {
  return { TableName: tableName, Operation };
}
