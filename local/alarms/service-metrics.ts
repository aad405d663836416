// Metrics that AWS services publish themselves, as far as the local stack can measure them.
import type { FauxqsServer } from 'fauxqs';
import { asObject, asText, parseJson } from '../json.ts';
import type { StackObserver } from '../observer.ts';
import type { Template } from '../template/template.ts';
import type { DataPoints } from './data-points.ts';

/** The measured metrics, by namespace. An alarm on any other AWS metric is an error at start, since it would never go off. */
export const SEEN_METRICS: Readonly<Record<string, readonly string[]>> = {
  'AWS/ApiGateway': ['5XXError', 'Latency'],
  'AWS/Kinesis': ['WriteProvisionedThroughputExceeded'],
  'AWS/Lambda': ['Errors', 'IteratorAge', 'Throttles'],
  'AWS/SQS': ['ApproximateAgeOfOldestMessage', 'ApproximateNumberOfMessagesVisible'],
};

/** Publishes what an observer sees. @param nowMs the stack's clock, epoch milliseconds */
export function publishServiceMetrics(
  observer: StackObserver,
  template: Template,
  points: DataPoints,
  nowMs: () => number,
): void {
  const ApiName = asText(template.ofType('AWS::ApiGateway::RestApi')[0]?.properties['Name']) ?? '';
  const add = (namespace: string, name: string, dimensions: Record<string, string>, value: number) =>
    points.add({ namespace, name, dimensions }, nowMs(), value);
  observer.on('apiAnswered', (status, durationMs) => {
    add('AWS/ApiGateway', '5XXError', { ApiName }, status >= 500 ? 1 : 0);
    add('AWS/ApiGateway', 'Latency', { ApiName }, durationMs);
  });
  observer.on('functionEnded', (FunctionName, how) => {
    add('AWS/Lambda', 'Errors', { FunctionName }, how === 'failed' ? 1 : 0);
    // Local invocations wait for a container; none is refused.
    add('AWS/Lambda', 'Throttles', { FunctionName }, 0);
  });
  observer.on('batchDelivered', (FunctionName, iteratorAgeMs) =>
    add('AWS/Lambda', 'IteratorAge', { FunctionName }, iteratorAgeMs),
  );
  observer.on('serviceCalled', ({ service, action, body, answer }) => {
    if (service !== 'kinesis' || action !== 'PutRecords') return;
    const StreamName = asText(asObject(parseJson(body))['StreamName']) ?? '';
    // By record, as Kinesis names them; a call that is refused as a whole counts once.
    const refused = answer.body.split('ProvisionedThroughputExceededException').length - 1;
    add('AWS/Kinesis', 'WriteProvisionedThroughputExceeded', { StreamName }, refused);
  });
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
  for (const { name: QueueName } of template.ofType('AWS::SQS::Queue')) {
    const answer = await fetch(`${sqsEndpoint}/_fauxqs/queues/${QueueName}`);
    const { messages } = (await answer.json()) as NonNullable<ReturnType<FauxqsServer['inspectQueue']>>;
    const { ready, delayed, inflight } = messages;
    // An expired delay or visibility timeout takes effect only at the next receive.
    const hidden = inflight.filter(({ visibilityDeadline }) => visibilityDeadline > nowMs).length;
    const waiting = delayed.filter(({ delayUntil = 0 }) => delayUntil > nowMs).length;
    const all = [...ready, ...delayed, ...inflight.map(({ message }) => message)];
    const ages = all
      .filter(({ approximateReceiveCount }) => approximateReceiveCount <= AGE_RECEIVES_MAX)
      .map(({ sentTimestamp }) => nowMs - sentTimestamp);
    const add = (name: string, value: number) =>
      points.add({ namespace: 'AWS/SQS', name, dimensions: { QueueName } }, nowMs, value);
    add('ApproximateAgeOfOldestMessage', Math.max(0, ...ages) / 1_000);
    add('ApproximateNumberOfMessagesVisible', all.length - hidden - waiting);
  }
}
