// The auditor's handler on real services, with no time left: one step a page, from cursor to cursor to the report.
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import type { APIGatewayProxyEvent, Context } from 'aws-lambda';
import type { AuditReport } from '../../lambdas/counting/audit-state.ts';
import { startPipeline } from '../support/pipeline.ts';
import { startServices } from '../support/services.ts';

const services = await startServices();
const HOUR = Date.UTC(2026, 10, 20, 5);

/** Counts 40 events, and loads the handler, which reads the environment then. */
async function loadHandler() {
  const pipeline = await startPipeline(services, 2);
  const events = Array.from({ length: 40 }, (_, index) => ({
    id: `id-${index}`,
    entity: `/${index % 7}`,
    at: HOUR + index * 60_000,
  }));
  await pipeline.put(...events);
  await pipeline.aggregateAll();
  await pipeline.writeAll();
  Object.assign(process.env, {
    STAGE: 'test',
    POWERTOOLS_SERVICE_NAME: 'auditor',
    POWERTOOLS_METRICS_NAMESPACE: 'Tally',
    POWERTOOLS_LOG_LEVEL: 'CRITICAL',
    POWERTOOLS_METRICS_DISABLED: 'true',
    COUNTER_TABLE: pipeline.counterTable,
    LEDGER_TABLE: pipeline.ledgerTable,
    STREAM_NAME: pipeline.stream,
    ARCHIVE_BUCKET: pipeline.bucket,
    ARCHIVE_RAW_EVENTS: 'false',
    RAW_RETENTION_SECONDS: 'forever',
    COUNTER_RETENTION_SECONDS: 'forever',
    HOUR_RETENTION_SECONDS: 'forever',
    DAY_RETENTION_SECONDS: 'forever',
  });
  const { handler } = await import('../../lambdas/auditor/handler.ts');
  return handler;
}
let handler: Awaited<ReturnType<typeof loadHandler>>;
before(async () => {
  handler = await loadHandler();
});

type Page = AuditReport | { complete: false; next: string; progress: { phase: string }; message?: string };

async function ask(
  httpMethod: 'GET' | 'POST',
  queryStringParameters: Record<string, string>,
  leftMs = 10_000,
) {
  const event = { httpMethod, queryStringParameters } as unknown as APIGatewayProxyEvent;
  const context = { getRemainingTimeInMillis: () => leftMs } as unknown as Context;
  const { statusCode, body } = await handler(event, context);
  return { status: statusCode, page: JSON.parse(body) as Page, text: body };
}
const HOURS = { from: '2026-11-20T05:00Z', to: '2026-11-20T06:00Z' };

test('without time left each page is one step, and the last one is the report', async () => {
  const phases: string[] = [];
  let { page } = await ask('GET', HOURS);
  while (!page.complete) {
    phases.push(page.progress.phase);
    ({ page } = await ask('GET', { cursor: page.next }));
  }
  assert.deepEqual([page.items, page.events, page.differences], [7, 40, []]);
  assert.deepEqual([...new Set(phases)], ['produce', 'scan', 'compare']);
  const { page: whole } = await ask('GET', HOURS, 29_000);
  assert.deepEqual(whole, page);
});

test('a cursor goes on with its own audit only, by its own route', async () => {
  const { page } = await ask('POST', HOURS);
  assert.ok(!page.complete);
  const other = await ask('GET', { cursor: page.next });
  assert.deepEqual([other.status, /POST \/v1\/admin\/repair/.test(other.text)], [400, true]);
  const foreign = await ask('GET', { cursor: `${'0'.repeat(32)}.1` });
  assert.deepEqual([foreign.status, /of no audit of the last day/.test(foreign.text)], [400, true]);
  for (const [query, message] of [
    [{ cursor: 'x' }, /"next" of an earlier answer/],
    [{ cursor: `${'0'.repeat(32)}.0` }, /"next" of an earlier answer/],
    [{ cursor: `../${'0'.repeat(29)}.1` }, /"next" of an earlier answer/],
    [{ cursor: page.next, from: HOURS.from }, /already/],
    [{ ...HOURS, slice: '0/4' }, /there is no "slice"/],
    [{ from: HOURS.from }, /"to" must be/],
    [{ ...HOURS, source: 'tape' }, /stream or archive/],
    [{ ...HOURS, source: 'archive' }, /does not archive raw events/],
    [{ cursor: page.next, source: 'archive' }, /already/],
    [{ ...HOURS, to: '2026-11-20T05:30Z' }, /whole hour/],
    [{ ...HOURS, to: '2999-01-01T00:00Z' }, /must be over/],
  ] as const) {
    const { status, text } = await ask('GET', query as Record<string, string>);
    assert.equal(status, 400, text);
    assert.match(String(JSON.parse(text).message), message);
  }
  assert.equal((await ask('POST', { cursor: page.next }, 29_000)).page.complete, true);
});
