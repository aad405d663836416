// Schedules: rates, targets, and their events.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Functions } from '../../local/functions/functions.ts';
import { parseRate, startSchedules } from '../../local/rules.ts';
import { readTemplate } from '../../local/template/template.ts';
import { smallTemplate } from './fixtures/small-template.ts';

test('rates', () => {
  assert.equal(parseRate('rate(1 minute)'), 60_000);
  assert.equal(parseRate('rate(5 minutes)'), 300_000);
  assert.equal(parseRate('rate(2 hours)'), 7_200_000);
  assert.equal(parseRate('rate(1 day)'), 86_400_000);
  for (const expression of ['cron(0 * * * ? *)', 'rate(0 minutes)', 'rate(1 week)', '']) {
    assert.throws(() => parseRate(expression), /rules\.ts/);
  }
});

test('targets are invoked at every interval with the event EventBridge sends, until stopped', (context) => {
  context.mock.timers.enable({ apis: ['setInterval', 'Date'], now: Date.UTC(2026, 10, 22, 5, 7) });
  // biome-ignore lint/suspicious/noExplicitAny: events are of every shape.
  const events: any[] = [];
  const functions = {
    find: (name: string) => ({
      invoke: async (event: unknown) => {
        events.push([name, event]);
      },
    }),
  } as unknown as Functions;
  const template = readTemplate(smallTemplate(''), { queueEndpoint: '' });
  const stop = startSchedules(template, functions);
  context.mock.timers.tick(59_999);
  assert.equal(events.length, 0);
  context.mock.timers.tick(1);
  assert.equal(events.length, 1);
  const [[name, event]] = events;
  assert.equal(name, 'arn:aws:lambda:us-east-1:000000000000:function:Answering');
  assert.equal(event.source, 'aws.events');
  assert.equal(event['detail-type'], 'Scheduled Event');
  assert.equal(event.time, '2026-11-22T05:08:00Z');
  assert.deepEqual(event.resources, ['arn:aws:events:us-east-1:000000000000:rule/EveryMinute']);
  context.mock.timers.tick(60_000);
  assert.equal(events.length, 2);
  stop();
  context.mock.timers.tick(120_000);
  assert.equal(events.length, 2);
});
