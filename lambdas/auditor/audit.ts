// The auditor's use case: an audit in steps, as many to a page as there is time for, and each step done once.
import type { WindowLedger } from '../aggregator/windows.ts';
import { InvalidAuditRequest } from '../counting/audit-request.ts';
import { AUDIT_PARTITIONS } from '../counting/audit-rows.ts';
import { type AuditPosition, type AuditRange, type AuditState, newAudit } from '../counting/audit-state.ts';
import type { AuditedCounters, AuditedLog, AuditScratch, BooksLedger } from '../ports.ts';
import { compare } from './compare.ts';
import { produce, type SegmentWindows } from './produce.ts';
import type { ItemRepairer } from './repair.ts';
import { scan } from './scan.ts';

/** What the audit needs. */
export interface AuditorPorts {
  readonly ledger: BooksLedger & WindowLedger;
  readonly log: AuditedLog;
  readonly counters: AuditedCounters;
  readonly scratch: AuditScratch;
  /** Dedup windows; what is in them saves reading, and changes nothing. */
  readonly windows: SegmentWindows;
  /** Rewrites what differs, in an audit that repairs. */
  readonly repair: ItemRepairer;
}

/** What bounds the memory that an audit takes. */
export interface AuditLimits {
  /** Among how many partitions items are spread. */
  readonly partitions: number;
  /** Bytes of lines after which a step sets them aside; one segment's more is possible. */
  readonly spillBytes: number;
  /** Bytes of lines that are compared together; one partition's more is possible. */
  readonly compareBytes: number;
  /** Bytes of lines of a whole audit, so that its partitions stay far below `compareBytes`. */
  readonly scratchBytes: number;
}

/**
 * Limits for a function of 1 GB and more. 8,192 partitions of 8 GiB of lines are 1 MiB each, an eighth of what is compared
 * together; 8 GiB are about 80 million rows.
 */
export const AUDIT_LIMITS: AuditLimits = {
  partitions: AUDIT_PARTITIONS,
  spillBytes: 16 * 1024 ** 2,
  compareBytes: 8 * 1024 ** 2,
  scratchBytes: 8 * 1024 ** 3,
};

/** Begins an audit. @param id 32 hexadecimal digits, never used before */
export async function beginAudit(
  { id, range, repair, startedAtMs }: { id: string; range: AuditRange; repair: boolean; startedAtMs: number },
  { ledger }: Pick<AuditorPorts, 'ledger'>,
): Promise<AuditState> {
  const shards = [...(await ledger.shards())].sort();
  return newAudit({ id, startedAtMs, range, repair, shards });
}

/**
 * One page of an audit: at least one step, more while there is time. Repeatable: a step that was done once is not done again,
 * whoever asks, so that two who go on with one audit come to the same report.
 * @throws InvalidAuditRequest when the range is too large for one audit
 */
export async function auditPage(
  state: AuditState,
  ports: AuditorPorts,
  hasTime: () => boolean,
  limits: AuditLimits = AUDIT_LIMITS,
): Promise<AuditState> {
  let now = state;
  do now = await nextState(now, ports, hasTime, limits);
  while (now.position.phase !== 'done' && hasTime());
  return now;
}

async function nextState(
  state: AuditState,
  ports: AuditorPorts,
  hasTime: () => boolean,
  limits: AuditLimits,
): Promise<AuditState> {
  const { position } = state;
  if (position.phase === 'done') return state;
  const known = await ports.scratch.readState(state.id, state.step + 1);
  if (known !== undefined) return known;
  const done = await step(state, position, ports, hasTime, limits);
  if (done.spilledBytes > limits.scratchBytes)
    throw new InvalidAuditRequest('these are too many hours for one audit: choose "from" and "to" closer');
  return ports.scratch.putStateIfAbsent({ ...done, step: state.step + 1 });
}

function step(
  state: AuditState,
  position: Exclude<AuditPosition, { phase: 'done' }>,
  ports: AuditorPorts,
  hasTime: () => boolean,
  limits: AuditLimits,
): Promise<AuditState> {
  if (position.phase === 'produce') return produce(state, position, ports, hasTime, limits);
  if (position.phase === 'scan') return scan(state, position, ports, hasTime, limits);
  return compare(state, position, ports, hasTime, limits);
}
