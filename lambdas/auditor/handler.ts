// The auditor Lambda: holds counter items against what segments emitted, page by page, and repairs what differs when asked to.
import { injectLambdaContext } from '@aws-lambda-powertools/logger/middleware';
import { logMetrics } from '@aws-lambda-powertools/metrics/middleware';
import middy from '@middy/core';
import type { APIGatewayProxyEvent, APIGatewayProxyResult, Context } from 'aws-lambda';
import { DedupWindows } from '../aggregator/windows.ts';
import { Archive } from '../aws/archive.ts';
import { S3AuditScratch } from '../aws/audit-scratch.ts';
import { AuditedCounterTable } from '../aws/audited-counter-table.ts';
import { dynamoDb } from '../aws/clients/dynamo-db.ts';
import { kinesis } from '../aws/clients/kinesis.ts';
import { s3 } from '../aws/clients/s3.ts';
import { CounterTable } from '../aws/counter-table.ts';
import { LedgerDeletionRegister } from '../aws/deletion-register.ts';
import { flag, retentionsIn, secondsOrForeverAsMs, text } from '../aws/environment.ts';
import { jsonAnswer } from '../aws/http-answer.ts';
import { LedgerTable } from '../aws/ledger-table.ts';
import { LevelLedgerTable } from '../aws/level-ledger.ts';
import { LevelTable } from '../aws/level-table.ts';
import { S3RawArchive } from '../aws/raw-archive.ts';
import { StoredHoursTable } from '../aws/stored-hours.ts';
import { KinesisLog } from '../aws/stream-log.ts';
import { systemClock, telemetry, timeLeft } from '../aws/telemetry.ts';
import { TopTable } from '../aws/top-table.ts';
import {
  type AuditRequest,
  auditCursor,
  InvalidAuditRequest,
  parseAuditRequest,
  resumable,
} from '../counting/audit-request.ts';
import { type AuditState, auditProgress, auditReport } from '../counting/audit-state.ts';
import { TOP_ENTRIES_MAX, TOP_MAX } from '../counting/top-list.ts';
import { archivedLog } from './archived-log.ts';
import { type AuditorPorts, auditPage, beginAudit } from './audit.ts';
import { levelAuditor, levelRepairer } from './audit-levels.ts';
import { AUDIT_LIMITS } from './limits.ts';
import { itemRepairer } from './repair.ts';

const { env } = process;
const { logger, metrics } = telemetry(env);

/** What the last segment of a page may take: 40,000 events to read and roll up, a cold dedup window, the lines to set aside. */
const RESERVE_MS = 13_000;

/** Lists are not made anew in a request's time: the compactor does that when it comes by again. */
const TOP_LISTS = {
  entriesMax: TOP_ENTRIES_MAX,
  certainMin: TOP_MAX,
  remakeSegmentsMax: 0,
  remakeCountersMax: 0,
};

const dynamoDbClient = dynamoDb();
const s3Client = s3();
const counters = new AuditedCounterTable(dynamoDbClient, text(env, 'COUNTER_TABLE'));
const register = new LedgerDeletionRegister(dynamoDbClient, text(env, 'LEDGER_TABLE'));
const bucket = text(env, 'ARCHIVE_BUCKET');
const retentionsMs = retentionsIn(env);
const [counterTable, ledgerTable] = [text(env, 'COUNTER_TABLE'), text(env, 'LEDGER_TABLE')];
const levels = new LevelTable(dynamoDbClient, counterTable);
const ports: AuditorPorts = {
  ledger: new LedgerTable(dynamoDbClient, text(env, 'LEDGER_TABLE'), systemClock),
  logs: {
    stream: new KinesisLog(kinesis(), text(env, 'STREAM_NAME')),
    archive: flag(env, 'ARCHIVE_RAW_EVENTS')
      ? archivedLog(
          new S3RawArchive(s3Client, bucket),
          systemClock,
          secondsOrForeverAsMs(env, 'RAW_RETENTION_SECONDS'),
        )
      : undefined,
  },
  counters,
  scratch: new S3AuditScratch(s3Client, bucket, AUDIT_LIMITS.partitions),
  deletions: () => register.deletions(),
  windows: new DedupWindows(),
  repair: itemRepairer(counters, new Archive(s3Client, bucket), retentionsMs.counters),
  levels: levelAuditor(
    {
      ledger: new LedgerTable(dynamoDbClient, ledgerTable, systemClock),
      progress: new LevelLedgerTable(dynamoDbClient, ledgerTable),
      counters: new StoredHoursTable(dynamoDbClient, counterTable),
      levels,
      clock: systemClock,
    },
    levelRepairer(
      {
        counters: new CounterTable(dynamoDbClient, counterTable),
        levels,
        tops: new TopTable(dynamoDbClient, ledgerTable),
        ledger: new LedgerTable(dynamoDbClient, ledgerTable, systemClock),
        progress: new LevelLedgerTable(dynamoDbClient, ledgerTable),
        clock: systemClock,
      },
      { retentionsMs, topLists: TOP_LISTS },
    ),
  ),
};

async function answerAudit(event: APIGatewayProxyEvent, context: Context): Promise<APIGatewayProxyResult> {
  try {
    const request = parseAuditRequest(event.queryStringParameters ?? {}, systemClock.nowMs());
    const from = await stateFor(request, event.httpMethod === 'POST');
    const to = await auditPage(from, ports, timeLeft(context, RESERVE_MS));
    return answerState(to);
  } catch (error) {
    if (error instanceof InvalidAuditRequest) return jsonAnswer(400, { message: error.message });
    logger.error('the audit failed', { error });
    return jsonAnswer(503, { message: 'the audit could not go on: send the same request again' });
  }
}

async function stateFor(request: AuditRequest, repair: boolean): Promise<AuditState> {
  const startedAtMs = systemClock.nowMs();
  if (request.kind === 'go-on')
    return resumable(await ports.scratch.readState(request.audit, request.step), repair, startedAtMs);
  const id = crypto.randomUUID().replaceAll('-', '');
  const { range, source } = request;
  return beginAudit({ id, range, source, repair, startedAtMs }, ports);
}

/** The report of an audit that is done; else how far it is, and how to go on. */
function answerState(state: AuditState): APIGatewayProxyResult {
  if (state.position.phase === 'done') return jsonAnswer(200, auditReport(state));
  const progress = auditProgress(state, AUDIT_LIMITS.partitions);
  return jsonAnswer(200, { complete: false, next: auditCursor(state), progress });
}

export const handler = middy<APIGatewayProxyEvent, APIGatewayProxyResult>()
  .use(injectLambdaContext(logger))
  .use(logMetrics(metrics))
  .handler(answerAudit);
