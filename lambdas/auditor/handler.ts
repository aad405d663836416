// The auditor Lambda: holds counter items against what segments emitted, and repairs what differs when asked to.
import { injectLambdaContext } from '@aws-lambda-powertools/logger/middleware';
import { logMetrics } from '@aws-lambda-powertools/metrics/middleware';
import middy from '@middy/core';
import type { APIGatewayProxyEvent, APIGatewayProxyResult, Context } from 'aws-lambda';
import { Archive } from '../aws/archive.ts';
import { AuditedCounterTable } from '../aws/audited-counter-table.ts';
import { dynamoDb, kinesis, s3 } from '../aws/clients.ts';
import { LedgerDeletionRegister } from '../aws/deletion-register.ts';
import { secondsOrForeverAsMs, text } from '../aws/environment.ts';
import { jsonAnswer } from '../aws/http-answer.ts';
import { LedgerTable } from '../aws/ledger-table.ts';
import { KinesisLog } from '../aws/stream-log.ts';
import { systemClock, telemetry, timeLeft } from '../aws/telemetry.ts';
import { InvalidAuditRequest, parseAuditRequest } from '../counting/audit-request.ts';
import { type AuditorPorts, audit } from './audit.ts';
import { itemRepairer } from './repair.ts';

const { env } = process;
const { logger, metrics, count } = telemetry(env);

/** What one page may take; with less time left, the audit asks for more, smaller slices. */
const RESERVE_MS = 5_000;

const dynamoDbClient = dynamoDb();
const counters = new AuditedCounterTable(dynamoDbClient, text(env, 'COUNTER_TABLE'));
const register = new LedgerDeletionRegister(dynamoDbClient, text(env, 'LEDGER_TABLE'));
const ports: AuditorPorts = {
  ledger: new LedgerTable(dynamoDbClient, text(env, 'LEDGER_TABLE'), systemClock),
  log: new KinesisLog(kinesis(), text(env, 'STREAM_NAME')),
  counters,
  deletions: () => register.deletions(),
};
const archive = new Archive(s3(), text(env, 'ARCHIVE_BUCKET'));
const repair = itemRepairer(counters, archive, secondsOrForeverAsMs(env, 'COUNTER_RETENTION_SECONDS'));

async function auditRange(event: APIGatewayProxyEvent, context: Context): Promise<APIGatewayProxyResult> {
  try {
    const { slice, ...range } = parseAuditRequest(event.queryStringParameters ?? {}, systemClock.nowMs());
    const repairing = event.httpMethod === 'POST';
    const report = await audit(
      range,
      slice,
      ports,
      timeLeft(context, RESERVE_MS),
      repairing ? repair : undefined,
    );
    count({
      AuditDifferences: report.differences.length + report.differencesOmitted + report.notReproducible.length,
      AuditItems: report.items,
      ItemsRepaired: report.repaired,
    });
    return jsonAnswer(200, report);
  } catch (error) {
    if (error instanceof InvalidAuditRequest) {
      count({ AuditsRefused: 1 });
      return jsonAnswer(400, { message: error.message });
    }
    count({ AuditsFailed: 1 });
    logger.error('the audit failed', { error });
    return jsonAnswer(503, { message: 'the audit could not be finished: try again' });
  }
}

export const handler = middy<APIGatewayProxyEvent, APIGatewayProxyResult>()
  .use(injectLambdaContext(logger))
  .use(logMetrics(metrics))
  .handler(auditRange);
