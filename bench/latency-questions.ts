// What the latency of the query function is measured with: requests as API Gateway hands them over.
import type { APIGatewayProxyEvent } from 'aws-lambda';
import { QUERIES_MAX } from '../lambdas/query/count-batch.ts';
import { DAY_MS, dayStartMs, HOUR_MS } from '../lambdas/counting/time.ts';
import { TOP_MAX } from '../lambdas/counting/top-list.ts';
import { METRIC, NOW_MS, SPANS } from './synthetic-counts.ts';

/** A request and what it must be answered with. */
export interface Question {
  readonly label: string;
  /** How much history the entity has; undefined: the question is not about one entity. */
  readonly span: string | undefined;
  readonly statusCode: 200 | 304 | 400;
  /** The event as JSON: each invocation gets one of its own, as in Lambda. */
  readonly event: string;
}

const iso = (atMs: number) => new Date(atMs).toISOString();
const daysAgo = (days: number) => iso(dayStartMs(NOW_MS) - days * DAY_MS);
// Ends are named: whatever the time, a question is the same question, and its calls are those that were recorded.
const to = iso(NOW_MS);
const MONTH = { by: 'day', from: daysAgo(30), to };
const YEAR = { by: 'day', from: daysAgo(365), to };

const COUNTS: readonly (readonly [label: string, parameters: Readonly<Record<string, string>>])[] = [
  ['by=minute, an hour', { by: 'minute', from: iso(NOW_MS - HOUR_MS), to }],
  ['by=minute, a day', { by: 'minute', from: iso(NOW_MS - DAY_MS), to }],
  ['by=hour, a day', { by: 'hour', from: iso(NOW_MS - DAY_MS), to }],
  ['by=hour, a month', { by: 'hour', from: daysAgo(30), to }],
  ['by=day, a month', MONTH],
  ['by=day, a year', YEAR],
  ['by=month, ten years', { by: 'month', from: '2016-11-01T00:00Z', to }],
  ['by=total, all time', { to }],
  ['by=day, a year of Europe/Berlin', { ...YEAR, tz: 'Europe/Berlin' }],
  ['by=day, a year, cumulative', { ...YEAR, cumulative: 'true' }],
  ['by=day, a month, compare=previous', { ...MONTH, compare: 'previous' }],
];

/** The first instant of which a question asks minutes: there need be no counter items before. Epoch milliseconds. */
export const COUNTERS_FROM_MS = NOW_MS - 2 * DAY_MS;

/** A day whose top list is asked for. */
export const TOP_DAY_MS = dayStartMs(NOW_MS) - DAY_MS;

/** All questions; of those about an entity, one for each span of history. @param tagOf the ETag of an event's answer */
export async function questions(tagOf: (event: string) => Promise<string>): Promise<readonly Question[]> {
  const asked = COUNTS.flatMap(([label, parameters]) =>
    Object.keys(SPANS).map((span) => question(label, span, 200, countsEvent(span, parameters))),
  );
  const batches = [
    [`a batch of ${QUERIES_MAX}: by=total, all time`, { to }],
    [`a batch of ${QUERIES_MAX}: by=day, a month`, MONTH],
  ] as const;
  const batched = batches.flatMap(([label, parameters]) =>
    Object.keys(SPANS).map((span) => question(label, span, 200, batchEvent(span, parameters))),
  );
  const [span] = Object.keys(SPANS).slice(-1);
  const known = countsEvent(span ?? '', MONTH);
  const tag = await tagOf(known);
  return [
    ...asked,
    ...batched,
    question(`the top ${TOP_MAX} of a day`, undefined, 200, topEvent()),
    question('by=day, a month: 304 by ETag', span, 304, withHeader(known, 'if-none-match', tag)),
    question('by=week: 400', undefined, 400, countsEvent(span ?? '', { by: 'week' })),
  ];
}

function question(
  label: string,
  span: string | undefined,
  statusCode: Question['statusCode'],
  event: string,
): Question {
  return { label, span, statusCode, event };
}

function countsEvent(entity: string, parameters: Readonly<Record<string, string>>): string {
  const pathParameters = { metric: METRIC, entity: encodeURIComponent(entity) };
  return eventOf('GET', '/v1/counts/{metric}/{entity+}', { pathParameters, ...queryString(parameters) });
}

function batchEvent(entity: string, parameters: Readonly<Record<string, string>>): string {
  const queries = Array.from({ length: QUERIES_MAX }, () => ({ metric: METRIC, entity, ...parameters }));
  return eventOf('POST', '/v1/counts:batch', { body: JSON.stringify({ queries }) });
}

function topEvent(): string {
  const parameters = { by: 'day', at: iso(TOP_DAY_MS), k: String(TOP_MAX) };
  return eventOf('GET', '/v1/top/{metric}', {
    pathParameters: { metric: METRIC },
    ...queryString(parameters),
  });
}

function withHeader(event: string, name: string, value: string): string {
  const parsed = JSON.parse(event) as APIGatewayProxyEvent;
  return JSON.stringify({ ...parsed, headers: { ...parsed.headers, [name]: value } });
}

function queryString(parameters: Readonly<Record<string, string>>): Partial<APIGatewayProxyEvent> {
  return {
    queryStringParameters: { ...parameters },
    multiValueQueryStringParameters: Object.fromEntries(
      Object.entries(parameters).map(([name, value]) => [name, [value]]),
    ),
  };
}

function eventOf(httpMethod: string, resource: string, rest: Partial<APIGatewayProxyEvent>): string {
  const headers = {
    accept: '*/*',
    host: 'example.execute-api.us-east-1.amazonaws.com',
    'x-api-key': 'a-key',
  };
  return JSON.stringify({
    ...{ resource, path: resource, httpMethod, headers, body: null, isBase64Encoded: false },
    ...{ pathParameters: null, queryStringParameters: null, multiValueQueryStringParameters: null },
    requestContext: { path: `/dev${resource}`, stage: 'dev', requestId: 'a-request', httpMethod },
    ...rest,
  });
}
