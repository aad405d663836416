// Audits of a pipeline on real services, whole or page by page.

import { DedupWindows } from '../../lambdas/aggregator/windows.ts';
import { archivedLog } from '../../lambdas/auditor/archived-log.ts';
import { auditPage, beginAudit } from '../../lambdas/auditor/audit.ts';
import { levelAuditor, levelRepairer } from '../../lambdas/auditor/audit-levels.ts';
import { AUDIT_LIMITS } from '../../lambdas/auditor/limits.ts';
import { itemRepairer } from '../../lambdas/auditor/repair.ts';
import { S3AuditScratch } from '../../lambdas/aws/audit-scratch.ts';
import { AuditedCounterTable } from '../../lambdas/aws/audited-counter-table.ts';
import { LedgerDeletionRegister } from '../../lambdas/aws/deletion-register.ts';
import { LevelLedgerTable } from '../../lambdas/aws/level-ledger.ts';
import { LevelTable } from '../../lambdas/aws/level-table.ts';
import { StoredHoursTable } from '../../lambdas/aws/stored-hours.ts';
import { TopTable } from '../../lambdas/aws/top-table.ts';
import {
  type AuditRange,
  type AuditReport,
  type AuditSource,
  type AuditState,
  auditReport,
} from '../../lambdas/counting/audit-state.ts';
import type { startPipeline } from './pipeline.ts';
import type { startServices } from './services.ts';

let audits = 0;

/** The name of an audit that no other has in this process. */
export function auditId(): string {
  return (audits++).toString(16).padStart(32, '0');
}

const FOREVER = { counters: undefined, days: undefined, months: undefined };

/** What audits of a pipeline need, and audits of one range. */
export function auditsOf(
  services: Pick<Awaited<ReturnType<typeof startServices>>, 'dynamoDb' | 's3'>,
  pipeline: Awaited<ReturnType<typeof startPipeline>>,
  range: AuditRange,
) {
  // Pages of two items, so that a scan has several.
  const counters = new AuditedCounterTable(services.dynamoDb, pipeline.counterTable, 2);
  const levels = new LevelTable(services.dynamoDb, pipeline.counterTable);
  const clock = { nowMs: () => Date.now() };
  const scratch = new S3AuditScratch(services.s3, pipeline.bucket, AUDIT_LIMITS.partitions);
  const ports = {
    ledger: pipeline.ledger,
    logs: { stream: pipeline.log, archive: archivedLog(pipeline.raw, clock, undefined) },
    counters,
    scratch,
    windows: new DedupWindows(),
    deletions: () => new LedgerDeletionRegister(services.dynamoDb, pipeline.ledgerTable).deletions(),
    repair: itemRepairer(counters, pipeline.archive, undefined),
    levels: levelAuditor(
      {
        ledger: pipeline.ledger,
        progress: new LevelLedgerTable(services.dynamoDb, pipeline.ledgerTable),
        counters: new StoredHoursTable(services.dynamoDb, pipeline.counterTable),
        levels,
        clock,
      },
      levelRepairer(
        {
          counters: pipeline.counters,
          levels,
          tops: new TopTable(services.dynamoDb, pipeline.ledgerTable),
          ledger: pipeline.ledger,
          progress: new LevelLedgerTable(services.dynamoDb, pipeline.ledgerTable),
          clock,
        },
        {
          retentionsMs: FOREVER,
          topLists: { entriesMax: 1_000, certainMin: 100, remakeSegmentsMax: 0, remakeCountersMax: 0 },
        },
      ),
    ),
  };
  const start = (repair = false, source: AuditSource = 'stream') =>
    beginAudit({ id: auditId(), range, repair, source, startedAtMs: Date.now() }, ports);
  const page = (state: AuditState, hasTime: () => boolean) => auditPage(state, ports, hasTime);
  return {
    scratch,
    start,
    page,
    /** A whole audit. */
    run: async (repair = false, source: AuditSource = 'stream'): Promise<AuditReport> =>
      auditReport(await page(await start(repair, source), () => true)),
  };
}
