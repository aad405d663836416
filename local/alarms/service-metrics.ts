// Metrics that AWS services publish themselves, as far as the local stack can measure them.
import { asList, asNumber, asObject, asText, parseJson } from '../json.ts';
import type { ObservedCall, StackObserver } from '../observer.ts';
import { nameOf } from '../template/names.ts';
import type { Template } from '../template/template.ts';
import type { DataPoints } from './data-points.ts';

/**
 * The measured metrics, by namespace. An alarm on any other AWS metric is an error at start, since it would never go off.
 * Functions are never throttled, because invocations wait here instead; throttles of stream and table come only from a drill's
 * faults.
 */
export const SEEN_METRICS: Readonly<Record<string, readonly string[]>> = {
  'AWS/ApiGateway': ['Count', '4XXError', '5XXError', 'Latency'],
  'AWS/Kinesis': ['IncomingRecords', 'WriteProvisionedThroughputExceeded'],
  'AWS/Lambda': ['Invocations', 'Errors', 'Throttles', 'Duration', 'IteratorAge'],
  'AWS/SQS': [
    'ApproximateAgeOfOldestMessage',
    'ApproximateNumberOfMessagesVisible',
    'ApproximateNumberOfMessagesNotVisible',
    'ApproximateNumberOfMessagesDelayed',
  ],
  'AWS/DynamoDB': ['WriteThrottleEvents', 'ReadThrottleEvents'],
};

/** An observer that publishes what it measures. @param nowMs the stack's clock, epoch milliseconds */
export function serviceMetrics(template: Template, points: DataPoints, nowMs: () => number): StackObserver {
  const apiName = asText(template.ofType('AWS::ApiGateway::RestApi')[0]?.properties['Name']) ?? '';
  const api = (name: string, value: number) =>
    points.add({ namespace: 'AWS/ApiGateway', name, dimensions: { ApiName: apiName } }, nowMs(), value);
  const lambda = (FunctionName: string, name: string, atMs: number, value: number) =>
    points.add({ namespace: 'AWS/Lambda', name, dimensions: { FunctionName } }, atMs, value);

  return {
    apiAnswered: ({ status, durationMs }) => {
      api('Count', 1);
      api('4XXError', status >= 400 && status < 500 ? 1 : 0);
      api('5XXError', status >= 500 ? 1 : 0);
      api('Latency', durationMs);
    },
    functionInvoked: ({ functionName, startMs, durationMs, ok }) => {
      lambda(functionName, 'Invocations', startMs, 1);
      lambda(functionName, 'Errors', startMs, ok ? 0 : 1);
      lambda(functionName, 'Throttles', startMs, 0);
      lambda(functionName, 'Duration', startMs, durationMs);
    },
    batchDelivered: ({ functionName, iteratorAgeMs }) =>
      lambda(functionName, 'IteratorAge', nowMs(), iteratorAgeMs),
    serviceCalled: (call) => {
      if (call.service === 'kinesis') kinesisMetrics(call, points, nowMs());
      if (call.service === 'dynamodb') throttleMetrics(call, points, nowMs());
    },
  };
}

const THROTTLED = 'ProvisionedThroughputExceededException';

/** Records that the stream accepted, and those it refused: some of an answer, or all of a failed call. */
function kinesisMetrics({ action, body, answer }: ObservedCall, points: DataPoints, atMs: number): void {
  if (action !== 'PutRecords') return;
  const request = asObject(parseJson(body));
  const dimensions = { StreamName: asText(request['StreamName']) ?? '' };
  const answered = asObject(parseJson(answer.body));
  const results = asList(answered['Records']).map((record) => asText(asObject(record)['ErrorCode']));
  const taken = answer.status === 200 ? results.filter((code) => code === undefined).length : 0;
  const refused = String(answered['__type']).endsWith(THROTTLED)
    ? asList(request['Records']).length
    : results.filter((code) => code === THROTTLED).length;
  const add = (name: string, value: number) =>
    points.add({ namespace: 'AWS/Kinesis', name, dimensions }, atMs, value);
  add('IncomingRecords', taken);
  add('WriteProvisionedThroughputExceeded', refused);
}

const READS = /^(GetItem|BatchGetItem|Query|Scan)$/;

/** Requests that a throttled table refused. Nothing is published without throttles, as on AWS. */
function throttleMetrics({ action, body, answer }: ObservedCall, points: DataPoints, atMs: number): void {
  if (answer.status !== 400 || !/#(ProvisionedThroughputExceeded|Throttling)Exception"/.test(answer.body))
    return;
  const request = asObject(parseJson(body));
  const tables = [asText(request['TableName']), ...Object.keys(asObject(request['RequestItems']))];
  const name = READS.test(action) ? 'ReadThrottleEvents' : 'WriteThrottleEvents';
  for (const TableName of tables) {
    if (TableName !== undefined) {
      points.add({ namespace: 'AWS/DynamoDB', name, dimensions: { TableName } }, atMs, 1);
    }
  }
}

/** Receives after which SQS excludes a message from the age: it has moved to the back of the queue. */
const AGE_RECEIVES_MAX = 3;

/**
 * Publishes the queues' current gauges, as SQS does every minute. Uses the emulator's own interface, which takes nothing out of
 * a queue.
 */
export async function sampleQueues(
  template: Template,
  sqsEndpoint: string,
  points: DataPoints,
  nowMs: number,
): Promise<void> {
  for (const queue of template.ofType('AWS::SQS::Queue')) {
    const QueueName = nameOf(queue);
    const answer = await fetch(`${sqsEndpoint}/_fauxqs/queues/${QueueName}`);
    const { ready, delayed, inflight } = asObject(asObject(parseJson(await answer.text()))['messages']);
    const held = asList(inflight).map(asObject);
    // An expired delay or visibility timeout takes effect only at the next receive.
    const isDue = (time: unknown) => (asNumber(time) ?? 0) <= nowMs;
    const hidden = held.filter(({ visibilityDeadline }) => !isDue(visibilityDeadline));
    const waiting = asList(delayed).filter((message) => !isDue(asObject(message)['delayUntil']));
    const all = [
      ...asList(ready).map(asObject),
      ...asList(delayed).map(asObject),
      ...held.map(({ message }) => asObject(message)),
    ];
    const ages = all
      .filter((message) => (asNumber(message['approximateReceiveCount']) ?? 0) <= AGE_RECEIVES_MAX)
      .map((message) => nowMs - (asNumber(message['sentTimestamp']) ?? nowMs));
    const gauges = {
      ApproximateAgeOfOldestMessage: Math.max(0, ...ages) / 1_000,
      ApproximateNumberOfMessagesVisible: all.length - hidden.length - waiting.length,
      ApproximateNumberOfMessagesNotVisible: hidden.length,
      ApproximateNumberOfMessagesDelayed: waiting.length,
    };
    for (const [name, value] of Object.entries(gauges)) {
      points.add({ namespace: 'AWS/SQS', name, dimensions: { QueueName } }, nowMs, value);
    }
  }
}
