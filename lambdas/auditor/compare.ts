// The audit's third phase: partition by partition, what was emitted against what counter items hold.

import type { AuditedCounters, AuditScratch } from '../audit-ports.ts';
import { type Comparison, compareItem, type Difference, type StoredItem } from '../counting/audit.ts';
import { type ItemLines, itemsInLines, partitionsWithin } from '../counting/audit-rows.ts';
import {
  type AuditFindings,
  type AuditPosition,
  type AuditState,
  type LookedAt,
  type UnauditedRun,
  withDifferences,
} from '../counting/audit-state.ts';
import { type DeletedEntities, mayBeDeleted } from '../counting/deleted-entities.ts';
import { parseSegmentId, type ShardKey } from '../counting/identifiers.ts';
import { daysOf, type LevelAuditor } from './audit-levels.ts';
import type { AuditLimits } from './limits.ts';
import type { ItemRepairer } from './repair.ts';

interface ComparePorts {
  readonly counters: AuditedCounters;
  readonly scratch: AuditScratch;
  readonly deletions: () => Promise<DeletedEntities>;
  readonly repair: ItemRepairer;
  readonly levels: LevelAuditor;
}

/** Items repaired at once. */
const REPAIRS_AT_ONCE = 10;
/** Spills read at once. */
const SPILLS_AT_ONCE = 16;

/**
 * Compares the items of as many partitions as fit into memory together, as long as there is time: at least
 * `itemsAtOnce` items.
 */
export async function compare(
  state: AuditState,
  position: AuditPosition & { phase: 'compare' },
  ports: ComparePorts,
  hasTime: () => boolean,
  { partitions, compareBytes, itemsAtOnce }: Pick<AuditLimits, 'partitions' | 'compareBytes' | 'itemsAtOnce'>,
): Promise<AuditState> {
  const { partition: first, after } = position;
  const end = partitionsWithin(await sizesOf(state, partitions, ports.scratch), first, compareBytes);
  const names = itemsInLines(await linesOf(state, first, end, ports.scratch));
  const items = [...names].filter(([name]) => after === undefined || name > after);
  const deleted = await ports.deletions();
  const isUnaudited = unauditedIn(state);
  let { findings } = state;
  for (let at = 0; at < items.length; at += itemsAtOnce) {
    const page = items.slice(at, at + itemsAtOnce);
    const last = page.at(-1)?.[0];
    findings = await comparePage(page, findings, { ...state, isUnaudited, deleted }, ports);
    if (last !== undefined && at + itemsAtOnce < items.length && !hasTime())
      return { ...state, findings, position: { phase: 'compare', partition: first, after: last } };
  }
  const isLast = end >= partitions;
  return { ...state, findings, position: isLast ? { phase: 'done' } : { phase: 'compare', partition: end } };
}

/** Bytes of each partition, all spills together. */
async function sizesOf(
  { id, spills }: AuditState,
  partitions: number,
  scratch: AuditScratch,
): Promise<readonly number[]> {
  const sizes = new Array<number>(partitions).fill(0);
  for (let at = 0; at < spills.length; at += SPILLS_AT_ONCE) {
    const some = spills.slice(at, at + SPILLS_AT_ONCE);
    for (const spilled of await Promise.all(some.map((spill) => scratch.spillSizes(id, spill)))) {
      for (const [partition, bytes] of spilled.entries()) sizes[partition] = (sizes[partition] ?? 0) + bytes;
    }
  }
  return sizes;
}

/** The lines of partitions, in the order in which they were set aside. */
async function linesOf(
  { id, spills }: AuditState,
  from: number,
  to: number,
  scratch: AuditScratch,
): Promise<string[]> {
  const lines: string[] = [];
  for (let at = 0; at < spills.length; at += SPILLS_AT_ONCE) {
    const some = spills.slice(at, at + SPILLS_AT_ONCE);
    for (const read of await Promise.all(some.map((spill) => scratch.readSpill(id, spill, from, to)))) {
      for (const line of read) lines.push(line);
    }
  }
  return lines;
}

/** What decides about items besides the items. */
interface Judging extends Pick<AuditState, 'startedAtMs' | 'repair'> {
  readonly isUnaudited: (segment: string) => boolean;
  readonly deleted: DeletedEntities;
}

async function comparePage(
  page: readonly (readonly [string, ItemLines])[],
  before: AuditFindings,
  { isUnaudited, deleted, startedAtMs, repair: repairing }: Judging,
  { counters, repair, levels }: ComparePorts,
): Promise<AuditFindings> {
  let findings = before;
  const stored = await counters.readItems(page.map(([, { key }]) => key));
  const repairs: [Comparison, StoredItem | undefined][] = [];
  for (const [index, [, { key, rows }]] of page.entries()) {
    const item = stored[index];
    // It was there when all items were looked through, and nobody emitted it: deleted since, and nothing is missing.
    if (item === undefined && rows.length === 0) continue;
    // Deleted since the audit began: then what was set aside does not know of it.
    const isGone = mayBeDeleted(deleted, key.pk, startedAtMs);
    const due = isGone ? rows.map((row) => ({ ...row, acked: false })) : rows;
    const comparison = compareItem(key, due, item, isUnaudited);
    const { expected, differences } = comparison;
    findings = withDifferences(findings, differences);
    if (expected === undefined) {
      findings = { ...findings, itemsUnaudited: findings.itemsUnaudited + 1 };
      continue;
    }
    const { items, events } = findings;
    findings = { ...findings, items: items + 1, events: events + expected.events };
    if (differences.length > 0 && repairing) repairs.push([comparison, item]);
  }
  for (let at = 0; at < repairs.length; at += REPAIRS_AT_ONCE) {
    const some = repairs.slice(at, at + REPAIRS_AT_ONCE);
    const outcomes = await Promise.all(some.map(([comparison, item]) => repair(comparison, item)));
    const rewritten = outcomes.filter((outcome) => outcome === 'rewritten').length;
    findings = { ...findings, repaired: findings.repaired + rewritten };
  }
  // After the items: the levels are made of them.
  const days = daysOf(page.map(([, { key }]) => key));
  for (const difference of await levels(days, repairing)) {
    // The items of a day may be on two pages.
    if (!findings.differences.some((known) => isSame(known, difference)))
      findings = withDifferences(findings, [difference]);
  }
  return findings;
}

function isSame(a: Difference, b: Difference): boolean {
  const { kind, metric, entity, bucket } = a;
  const isLevel = kind === 'level-differs' && b.kind === kind && a.level === b.level;
  return isLevel && metric === b.metric && entity === b.entity && bucket === b.bucket;
}

/** Whether nothing can be said of a segment, by its name in a counter item. */
function unauditedIn({ shards, looked, findings }: AuditState): (segment: string) => boolean {
  const lookedAt = new Map(shards.map((shard, index) => [shard, looked[index]] as const));
  const runs = new Map<ShardKey, UnauditedRun[]>();
  for (const run of findings.unaudited) runs.set(run.shard, [...(runs.get(run.shard) ?? []), run]);
  const holds = ({ from, through }: LookedAt, segment: number) => segment >= from && segment <= through;
  return (name) => {
    const named = nameIn(name);
    const at = named && lookedAt.get(named.shard);
    // A shard that nobody knows has no segments: whatever bears its name is a stranger.
    if (named === undefined || at === undefined) return false;
    if (!holds(at, named.segment)) return true;
    return runs.get(named.shard)?.some((run) => holds(run, named.segment)) ?? false;
  };
}

function nameIn(segment: string): { shard: ShardKey; segment: number } | undefined {
  try {
    return parseSegmentId(segment);
  } catch {
    return undefined;
  }
}
