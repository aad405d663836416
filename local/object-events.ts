// EventBridge rules for S3 objects: announces a bucket's new objects to the queues that the rules target.
import type { AwsJsonClient } from './emulators/aws-json.ts';
import type { CreatedObject } from './emulators/worker.ts';
import { LocalStackError } from './errors.ts';
import { asList, asObject, asText } from './json.ts';
import { bridgeEvent } from './schedules.ts';
import type { Resource, Template } from './template/template.ts';

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
      const matching = rules.filter(
        ({ buckets, prefixes }) =>
          buckets.includes(created.bucket) && prefixes.some((prefix) => created.key.startsWith(prefix)),
      );
      const MessageBody = JSON.stringify(objectCreated(created, nowMs));
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
      `The local stack runs rules for objects created in S3, not that of ${rule.logicalId}: extend local/object-events.ts.`,
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

/** S3's event to EventBridge (docs s3/latest/userguide/ev-events.html). */
function objectCreated({ bucket, key, size, etag }: CreatedObject, nowMs: number): object {
  return {
    ...bridgeEvent(nowMs),
    ...{ 'detail-type': 'Object Created', source: 'aws.s3', resources: [`arn:aws:s3:::${bucket}`] },
    detail: { version: '0', bucket: { name: bucket }, object: { key, size, etag }, reason: 'PutObject' },
  };
}
