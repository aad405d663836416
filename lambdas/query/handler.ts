// The query Lambda: REST requests in, counts and the pipeline's accounts out.
import { injectLambdaContext } from '@aws-lambda-powertools/logger/middleware';
import { logMetrics } from '@aws-lambda-powertools/metrics/middleware';
import middy from '@middy/core';
import type { APIGatewayProxyEvent, APIGatewayProxyResult } from 'aws-lambda';
import { dynamoDb } from '../aws/clients/dynamo-db.ts';
import { retentionsIn, secondsAsMs, secondsOrForeverAsMs, text } from '../aws/environment.ts';
import {
  type HttpAnswer,
  headerIn,
  jsonAnswer,
  jsonOf,
  keptAnswer,
  publicAnswer,
} from '../aws/http-answer.ts';
import { lazily } from '../aws/lazily.ts';
import { systemClock, telemetry } from '../aws/telemetry.ts';
import { isMetric } from '../core/event.ts';
import { LedgerTable } from '../ledger/ledger-table.ts';
import { CompactionStateTable } from '../store/state-table.ts';
import { StoreTable } from '../store/store-table.ts';
import { parseCountBatch } from './count-batch.ts';
import { OPEN_FRESHNESS } from './count-freshness.ts';
import { type CountQuery, parseCountQuery } from './count-query.ts';
import { InvalidQuery } from './invalid-query.ts';
import { type Parameters, requestedHours } from './parameters.ts';
import { badgeLabel, badgeSvg, grouped, publicCounterOf } from './public-counter.ts';
import {
  type QueryPorts,
  type QuerySettings,
  type ReadCounts,
  readBatch,
  readCounts,
} from './read-counts.ts';
import { readTop, type TopPorts } from './read-top.ts';
import { parseTopQuery } from './top-query.ts';

const { env } = process;
const { logger, metrics, count } = telemetry(env);
const dynamoDbClient = dynamoDb();
const ledger = new LedgerTable(dynamoDbClient, text(env, 'LEDGER_TABLE'), systemClock);
const streamName = text(env, 'STREAM_NAME');
// Loaded for the status only, so that counts do not wait for it in a cold start.
const accounting = lazily(async () => ({
  ...(await import('./read-accepted.ts')),
  ...(await import('../core/pipeline-status.ts')),
}));
const stream = lazily(async () => (await import('../aws/stream-log.ts')).openStreamLog(streamName));
const counts = new StoreTable(dynamoDbClient, text(env, 'COUNTS_TABLE'), systemClock);
const ports: QueryPorts & TopPorts = {
  watermarks: ledger,
  state: new CompactionStateTable(dynamoDbClient, text(env, 'LEDGER_TABLE')),
  counts,
  tops: counts,
  // Kept across requests.
  hints: new Map(),
  clock: systemClock,
};
const settings: QuerySettings = {
  acceptFutureMs: secondsAsMs(env, 'ACCEPT_FUTURE_SECONDS'),
  retentions: retentionsIn(env),
  deltaRetentionMs: secondsOrForeverAsMs(env, 'DELTA_RETENTION_SECONDS'),
};
/** The end of a stack's id is unique; the beginning names the account. */
const service = {
  stack: text(env, 'STACK_NAME'),
  id: text(env, 'STACK_ID').replace(/^.*\//, ''),
  generation: text(env, 'STREAM_GENERATION'),
};
const origin = env['CORS_ORIGIN'];
const publicMetrics: ReadonlySet<string> = new Set((env['PUBLIC_METRICS'] ?? '').split(','));

type Route = (event: APIGatewayProxyEvent) => Promise<HttpAnswer>;

/** The handler of each API resource. */
const ROUTES: Readonly<Record<string, Route>> = {
  '/v1/counts/{metric}/{entity+}': answerCounts,
  // The same for callers with IAM permissions and no API key: the canary.
  '/v1/admin/counts/{metric}/{entity+}': answerCounts,
  '/v1/public/{metric}/{entity+}': answerPublic,
  '/v1/top/{metric}': answerTop,
  '/v1/metrics': answerMetrics,
  '/v1/counts:batch': answerBatch,
  '/v1/status': answerStatus,
  '/v1/openapi.json': describe,
};

/** The document gives the server as a path, since API Gateway's own address contains the stage. */
async function describe({ requestContext, resource }: APIGatewayProxyEvent): Promise<HttpAnswer> {
  const { path } = requestContext;
  // Rarely read, so no cold start waits for it.
  const { openApiDocument } = await import('../../api/openapi.ts');
  const server = path.endsWith(resource) ? path.slice(0, -resource.length) || '/' : '/';
  return jsonAnswer(200, openApiDocument(server), origin);
}

async function answerCounts(event: APIGatewayProxyEvent): Promise<HttpAnswer> {
  const { metric, entity } = namesIn(event);
  const query = parseCountQuery(metric, entity, givenOnce(event), systemClock.nowMs());
  const { answer, freshness } = await readOne(query);
  return keptAnswer(answer, freshness, headerIn(event.headers, 'if-none-match'), origin);
}

async function readOne(query: CountQuery): Promise<ReadCounts> {
  const [read] = await readCounts([query], ports, settings);
  if (read === undefined || read instanceof InvalidQuery) throw read ?? new Error('no answer');
  return read;
}

/** A public counter's total: as JSON, for shields.io, or as a badge. */
async function answerPublic(event: APIGatewayProxyEvent): Promise<HttpAnswer> {
  const names = namesIn(event);
  const { metric } = names;
  if (!publicMetrics.has(metric)) return jsonAnswer(404, { message: 'this counter is not public' }, '*');
  const { entity, form } = publicCounterOf(names.entity);
  const { style, label: wanted } = givenOnce(event);
  const label = badgeLabel(wanted, metric);
  const nowMs = systemClock.nowMs();
  const { total, completeThrough } = (await readOne(parseCountQuery(metric, entity, {}, nowMs))).answer;
  const known = headerIn(event.headers, 'if-none-match');
  if (form === 'svg') {
    return publicAnswer(badgeSvg({ label, total, completeThrough, nowMs }), 'image/svg+xml', known);
  }
  const body =
    style === 'shields'
      ? { schemaVersion: 1, label, message: grouped(total), color: 'blueviolet' }
      : { metric, entity, total, completeThrough };
  return publicAnswer(jsonOf(body), 'application/json', known);
}

async function answerBatch({ body }: APIGatewayProxyEvent): Promise<HttpAnswer> {
  const questions = parseCountBatch(body ?? '', systemClock.nowMs());
  const answers = await readBatch(questions, ports, settings);
  return jsonAnswer(200, { answers }, origin);
}

async function answerStatus({ queryStringParameters }: APIGatewayProxyEvent): Promise<HttpAnswer> {
  const hours = requestedHours(queryStringParameters ?? {});
  const { readAccepted, withLastHours } = await accounting();
  const accepted = await readAccepted({ ledger, stream: await stream() }, (error) =>
    logger.warn('the stream could not be read for the status', { error }),
  );
  const accounts = withLastHours(accepted, hours, systemClock.nowMs());
  return jsonAnswer(200, { service, ...accounts }, origin);
}

/** The query string's parameters; each may be given only once. */
function givenOnce({ multiValueQueryStringParameters }: APIGatewayProxyEvent): Parameters {
  const given = Object.entries(multiValueQueryStringParameters ?? {});
  const twice = given.find(([, values = []]) => values.length > 1);
  if (twice !== undefined) throw new InvalidQuery(`"${twice[0]}" is given more than once`);
  return Object.fromEntries(given.map(([name, values]) => [name, values?.[0]]));
}

async function answerTop(event: APIGatewayProxyEvent): Promise<HttpAnswer> {
  const metric = metricIn(event.pathParameters);
  const query = parseTopQuery(metric, givenOnce(event), systemClock.nowMs());
  const { answer, freshness } = await readTop(query, ports, settings);
  return keptAnswer(answer, freshness, headerIn(event.headers, 'if-none-match'), origin);
}

async function answerMetrics({ headers }: APIGatewayProxyEvent): Promise<HttpAnswer> {
  const names = await counts.metrics();
  return keptAnswer({ metrics: names }, OPEN_FRESHNESS, headerIn(headers, 'if-none-match'), origin);
}

/** A REST API passes path parameters as received: percent-encoded. */
function namesIn({ pathParameters }: APIGatewayProxyEvent): { metric: string; entity: string } {
  const { metric, entity } = pathParameters ?? {};
  return { metric: decoded('metric', metric), entity: decoded('entity', entity) };
}

function metricIn(pathParameters: APIGatewayProxyEvent['pathParameters']): string {
  const metric = decoded('metric', pathParameters?.['metric']);
  if (!isMetric(metric)) throw new InvalidQuery('"metric" must be 1 to 64 of A-Z a-z 0-9 _ . -');
  return metric;
}

function decoded(name: string, parameter: string | undefined): string {
  try {
    return decodeURIComponent(parameter ?? '');
  } catch (cause) {
    throw new InvalidQuery(`"${name}" in the path is not percent-encoded UTF-8`, { cause });
  }
}

async function answer(event: APIGatewayProxyEvent): Promise<APIGatewayProxyResult> {
  const route = ROUTES[event.resource];
  if (route === undefined) return jsonAnswer(404, { message: 'there is no such resource' }, origin);
  try {
    return await route(event);
  } catch (error) {
    if (error instanceof InvalidQuery) return jsonAnswer(400, { message: error.message }, origin);
    logger.error('a query failed', { error });
    count({ QueriesFailed: 1 });
    return jsonAnswer(503, { message: 'the counts cannot be read right now: try again' }, origin);
  }
}

export const handler = middy<APIGatewayProxyEvent, APIGatewayProxyResult>()
  .use(injectLambdaContext(logger))
  .use(logMetrics(metrics))
  .handler(answer);
