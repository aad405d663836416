// EventBridge rules with a rate: invokes their targets on time. object-events.ts handles rules with a pattern.
import { randomUUID } from 'node:crypto';
import { LocalStackError } from './errors.ts';
import type { Functions } from './functions/functions.ts';
import { account, region } from './identity.ts';
import { asList, asObject, asText, parseJson } from './json.ts';
import type { Template } from './template/template.ts';

const unitsMs = { minute: 60_000, hour: 3_600_000, day: 86_400_000 };

/** Milliseconds of `rate(5 minutes)`. @throws LocalStackError for anything else, cron included */
export function parseRate(expression: string): number {
  const [, count = '0', unit] = /^rate\((\d+) (minute|hour|day)s?\)$/.exec(expression) ?? [];
  if (Number(count) < 1) {
    throw new LocalStackError(
      `The local stack runs schedules like "rate(1 minute)", not "${expression}": extend local/schedules.ts.`,
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

/** EventBridge's event, but for its type, source, resources and detail. */
export function bridgeEvent(nowMs: number): object {
  const time = new Date(nowMs).toISOString().replace(/\.\d{3}/, '');
  return { version: '0', id: randomUUID(), account, time, region };
}
