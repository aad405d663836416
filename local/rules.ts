// EventBridge rules: those with a rate invoke their targets on time, those with a pattern announce new S3 objects to queues.
import { randomUUID } from 'node:crypto';
import type { AwsJsonClient } from './emulators/aws-json.ts';
import type { CreatedObject } from './emulators/worker.ts';
import { LocalStackError } from './errors.ts';
import type { Functions } from './functions/functions.ts';
import { account, region } from './identity.ts';
import { asList, asObject, asText, parseJson } from './json.ts';
import type { Resource, Template } from './template/template.ts';

const unitsMs = { minute: 60_000, hour: 3_600_000, day: 86_400_000 };

/** Milliseconds of `rate(5 minutes)`. @throws LocalStackError for anything else, cron included */
export function parseRate(expression: string): number {
  const [, count = '0', unit] = /^rate\((\d+) (minute|hour|day)s?\)$/.exec(expression) ?? [];
  if (Number(count) < 1) {
    throw new LocalStackError(
      `The local stack runs schedules like "rate(1 minute)", not "${expression}": extend local/rules.ts.`,
    );
  }
  return Number(count) * unitsMs[unit as keyof typeof unitsMs];
}

/** Every rule of the template that is enabled. */
export function readSchedules(template: Template, functions: Functions) {
  return template
    .ofType('AWS::Events::Rule')
    .filter(
      ({ properties }) => properties['State'] !== 'DISABLED' && properties['EventPattern'] === undefined,
    )
    .map((rule) => {
      const intervalMs = parseRate(asText(rule.properties['ScheduleExpression']) ?? 'no schedule');
      const targets = asList(rule.properties['Targets']).map((item) => {
        const target = asObject(item);
        const input = asText(target['Input']);
        const called = functions.find(asText(target['Arn']) ?? '');
        const what = { 'detail-type': 'Scheduled Event', source: 'aws.events', resources: [rule.arn] };
        return (nowMs: number) =>
          called.invoke(
            input === undefined ? { ...bridgeEvent(nowMs), ...what, detail: {} } : parseJson(input),
          );
      });
      /** Invokes the rule's targets, as at the end of an interval. @param nowMs the event's time, epoch milliseconds */
      const run = (nowMs: number) => Promise.all(targets.map((invoke) => invoke(nowMs)));
      return { logicalId: rule.logicalId, intervalMs, run };
    });
}

/** Starts every enabled rule; the first run is after one interval. @returns a function that stops them */
export function startSchedules(template: Template, functions: Functions): () => void {
  const timers = readSchedules(template, functions).map(({ intervalMs, run }) =>
    setInterval(() => void run(Date.now()), intervalMs),
  );
  return () => timers.forEach(clearInterval);
}

/** Reads the rules of a template. @throws LocalStackError for an unsupported pattern or target */
export function readObjectRules(template: Template) {
  const rules = template
    .ofType('AWS::Events::Rule')
    .filter(({ properties }) => properties['EventPattern'] !== undefined)
    .map((rule) => readRule(rule, template));
  return {
    /** The buckets of the rules. They are not in the template, since they belong to others. */
    buckets: [...new Set(rules.flatMap(({ buckets }) => buckets))],
    /** Notifies the targets of all rules that match an object. */
    async tell(created: CreatedObject, sqs: AwsJsonClient, nowMs: number): Promise<void> {
      const { bucket, key, size, etag } = created;
      const matching = rules.filter(
        ({ buckets, prefixes }) =>
          buckets.includes(bucket) && prefixes.some((prefix) => key.startsWith(prefix)),
      );
      // S3's event to EventBridge (docs s3/latest/userguide/ev-events.html).
      const MessageBody = JSON.stringify({
        ...bridgeEvent(nowMs),
        ...{ 'detail-type': 'Object Created', source: 'aws.s3', resources: [`arn:aws:s3:::${bucket}`] },
        detail: { version: '0', bucket: { name: bucket }, object: { key, size, etag }, reason: 'PutObject' },
      });
      for (const QueueUrl of matching.flatMap(({ queueUrls }) => queueUrls))
        await sqs.call('SendMessage', { QueueUrl, MessageBody });
    },
  };
}

function readRule(rule: Resource, template: Template) {
  const pattern = asObject(rule.properties['EventPattern']);
  const detail = asObject(pattern['detail']);
  const [source] = asList(pattern['source']);
  const [kind] = asList(pattern['detail-type']);
  if (source !== 'aws.s3' || kind !== 'Object Created')
    throw new LocalStackError(
      `The local stack runs rules for objects created in S3, not that of ${rule.logicalId}: extend local/rules.ts.`,
    );
  const keys = asList(asObject(detail['object'])['key']);
  return {
    buckets: asList(asObject(detail['bucket'])['name']).map((name) => asText(name) ?? ''),
    prefixes: keys.map((key) => asText(asObject(key)['prefix']) ?? ''),
    queueUrls: asList(rule.properties['Targets']).map((target) => {
      const arn = asText(asObject(target)['Arn']);
      const queue = template.ofType('AWS::SQS::Queue').find((candidate) => candidate.arn === arn);
      if (queue === undefined)
        throw new LocalStackError(
          `The rule ${rule.logicalId} targets ${arn}, which is not a queue of the template.`,
        );
      return queue.ref;
    }),
  };
}

/** EventBridge's event, but for its type, source, resources and detail. */
function bridgeEvent(nowMs: number): object {
  const time = new Date(nowMs).toISOString().replace(/\.\d{3}/, '');
  return { version: '0', id: randomUUID(), account, time, region };
}
