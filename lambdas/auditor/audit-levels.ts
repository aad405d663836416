// The audit of the levels: days against counter items, months against days, the total against months.
import pLimit from 'p-limit';
import type { StoredHours } from '../audit-ports.ts';
import { type CompactorSettings, emptyReport } from '../compactor/compaction.ts';
import {
  type RecomputePorts,
  type RecomputeSettings,
  recomputeDay,
  recomputeMonth,
  type Sums,
} from '../compactor/recompute.ts';
import { type TopListPorts, updateTopLists } from '../compactor/top-lists.ts';
import type { Difference } from '../counting/audit.ts';
import { bucketOfSortKey, type CounterKey } from '../counting/counter-item.ts';
import type { ShardKey } from '../counting/identifiers.ts';
import {
  compareSum,
  expectedAbove,
  type LevelCursors,
  type LevelDifference,
  mustHold,
} from '../counting/level-audit.ts';
import type { LevelCursor } from '../counting/level-cursor.ts';
import { type CompactedLevel, itemStartMs, type LevelName, mayBeDeleted } from '../counting/levels.ts';
import { bucketName, DAY_MS, dayStartMs, parseBucketName } from '../counting/time.ts';
import type { LevelLedger, LevelReader } from '../level-ports.ts';
import type { BooksLedger, Clock } from '../ports.ts';

/** What the audit of the levels needs. */
export interface LevelAuditPorts {
  readonly ledger: Pick<BooksLedger, 'shards'>;
  readonly progress: Pick<LevelLedger, 'readCursor'>;
  readonly counters: StoredHours;
  readonly levels: LevelReader;
  readonly clock: Clock;
}

/** One day of one counter: what is audited at once. */
export interface CounterDay {
  readonly metric: string;
  readonly entity: string;
  /** The day's start, epoch milliseconds. */
  readonly dayMs: number;
}

/** What the audit of some days found. */
export interface LevelAuditReport {
  /** Sums that were compared. */
  sums: number;
  /** Days of which the levels have not taken everything up yet, so that nothing can be said of them. */
  behind: number;
  readonly differences: LevelDifference[];
}

/** Audits the levels of some days, and brings up what differs in an audit that repairs. */
export type LevelAuditor = (
  days: readonly CounterDay[],
  repairing: boolean,
) => Promise<readonly Difference[]>;

/** An auditor of levels whose differences go into the report of an audit. */
export function levelAuditor(ports: LevelAuditPorts, repair: LevelRepairer): LevelAuditor {
  return async (days, repairing) => {
    const { differences } = await auditLevels(days, ports, () => true, repairing ? repair : undefined);
    return differences.map(({ level, metric, entity, atMs, expected, found = 0n }) => {
      const bucket = bucketName(atMs, 60);
      return { metric, entity, bucket, kind: 'level-differs', level, expected, found };
    });
  };
}

/** The days of counter items, each once. */
export function daysOf(keys: readonly CounterKey[]): readonly CounterDay[] {
  const days = new Map<string, CounterDay>();
  for (const { pk: entity, sk } of keys) {
    const startMs = parseBucketName(bucketOfSortKey(sk));
    if (startMs === undefined) continue;
    const day = { metric: sk.slice(0, sk.indexOf('#')), entity, dayMs: dayStartMs(startMs) };
    days.set(JSON.stringify(day), day);
  }
  return [...days.values()];
}

/** Brings the levels of a day up again. */
export type LevelRepairer = (day: CounterDay, hoursMs: readonly number[]) => Promise<void>;

/** Counters read at once to bring a top list up. */
const CONCURRENCY = 16;

/** A repairer that does what the compactor does, top lists included. Repeatable. */
export function levelRepairer(
  ports: RecomputePorts & TopListPorts,
  settings: RecomputeSettings & Pick<CompactorSettings, 'topLists'>,
): LevelRepairer {
  const limit = pLimit(CONCURRENCY);
  return async ({ metric, entity, dayMs }, hoursMs) => {
    const report = emptyReport();
    const list = async (level: CompactedLevel, name: LevelName, sumsMs: readonly number[], sums?: Sums) => {
      if (sums === undefined) return;
      const recomputed = [{ name, sumsMs, sums }];
      await updateTopLists(level, recomputed, limit, ports, settings, () => true, report);
    };
    const day: LevelName = { level: 'days', metric, entity, startMs: dayMs };
    await list('days', day, hoursMs, await recomputeDay(day, hoursMs, ports, settings, report));
    const month: LevelName = { level: 'months', metric, entity, startMs: itemStartMs('months', dayMs) };
    await list('months', month, [dayMs], await recomputeMonth(month, [dayMs], ports, settings, report));
  };
}

/**
 * Audits days of counters through all levels. A sum that must hold everything and does not say it is a difference.
 * @param repair brings what differs up again; undefined: only report
 */
export async function auditLevels(
  days: readonly CounterDay[],
  ports: LevelAuditPorts,
  hasTime: () => boolean,
  repair?: LevelRepairer,
): Promise<LevelAuditReport & { complete: boolean }> {
  const report = { sums: 0, behind: 0, differences: [] as LevelDifference[] };
  // The cursors before everything else: what they say a level holds, it holds from then on.
  const cursors = { days: await cursorsOf('days', ports), months: await cursorsOf('months', ports) };
  for (const day of days) {
    if (!hasTime()) return { ...report, complete: false };
    await auditDay(day, cursors, ports, report, repair);
  }
  return { ...report, complete: true };
}

async function cursorsOf(
  level: CompactedLevel,
  { ledger, progress }: LevelAuditPorts,
): Promise<LevelCursors> {
  const cursors = new Map<ShardKey, LevelCursor>();
  for (const shard of await ledger.shards()) cursors.set(shard, await progress.readCursor(shard, level));
  return cursors;
}

async function auditDay(
  day: CounterDay,
  cursors: Readonly<Record<CompactedLevel, LevelCursors>>,
  { counters, levels, clock }: LevelAuditPorts,
  report: LevelAuditReport,
  repair: LevelRepairer | undefined,
): Promise<void> {
  const { metric, entity, dayMs } = day;
  const monthMs = itemStartMs('months', dayMs);
  const names = {
    day: { level: 'days', metric, entity, startMs: dayMs },
    month: { level: 'months', metric, entity, startMs: monthMs },
    total: { level: 'total', metric, entity, startMs: 0 },
  } as const;
  // From the top down: whatever a level holds, the one below it, read later, holds as well.
  const total = await levels.readLevel(names.total);
  const month = await levels.readLevel(names.month);
  const item = await levels.readLevel(names.day);
  const hours = (await counters.storedHours(metric, entity, dayMs, dayMs + DAY_MS)).filter(
    ({ expiresAt }) => !mayBeDeleted(expiresAt, clock.nowMs()),
  );
  const segments = hours.flatMap(({ applied }) => [...applied]);
  const found: (LevelDifference | undefined)[] = [];
  for (const [hourMs, one] of Map.groupBy(hours, ({ hourMs }) => hourMs)) {
    const applied = one.flatMap((stored) => [...stored.applied]);
    // Nobody has brought it about, so no level has to know of it: it is for the audit of the items to say.
    if (applied.length === 0 && item?.sums.get(hourMs) === undefined) continue;
    if (!mustHold(cursors.days, applied)) {
      report.behind += 1;
      continue;
    }
    report.sums += 1;
    found.push(
      compareSum(
        names.day,
        hourMs,
        item,
        one.reduce((sum, { n }) => sum + n, 0n),
      ),
    );
  }
  if (mustHold(cursors.months, segments)) {
    report.sums += 2;
    found.push(compareSum(names.month, dayMs, month, expectedAbove(item)));
    found.push(compareSum(names.total, monthMs, total, expectedAbove(month)));
  } else report.behind += 1;
  const differences = found.filter((difference) => difference !== undefined);
  report.differences.push(...differences);
  if (differences.length > 0) await repair?.(day, [...new Set(hours.map(({ hourMs }) => hourMs))]);
}
