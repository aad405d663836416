// The auditor's use case: an audit in steps, as many to a page as there is time for, and each step done once.
import type { WindowLedger } from '../aggregator/windows.ts';
import type { AuditedCounters, AuditedLog, AuditScratch } from '../audit-ports.ts';
import { InvalidAuditRequest } from '../counting/audit-request.ts';
import {
  type AuditPosition,
  type AuditRange,
  type AuditSource,
  type AuditState,
  newAudit,
} from '../counting/audit-state.ts';
import type { DeletedEntities } from '../counting/deleted-entities.ts';
import type { BooksLedger } from '../ports.ts';
import type { LevelAuditor } from './audit-levels.ts';
import { compare } from './compare.ts';
import { AUDIT_LIMITS, type AuditLimits } from './limits.ts';
import { produce, type SegmentWindows } from './produce.ts';
import type { ItemRepairer } from './repair.ts';
import { scan } from './scan.ts';

/** What the audit needs. */
export interface AuditorPorts {
  readonly ledger: BooksLedger & WindowLedger;
  /** Where records are read again; undefined: there is no archive of raw records. */
  readonly logs: { readonly stream: AuditedLog; readonly archive: AuditedLog | undefined };
  readonly counters: AuditedCounters;
  readonly scratch: AuditScratch;
  /** Entities deleted on request: what they had may be missing. */
  readonly deletions: () => Promise<DeletedEntities>;
  /** Dedup windows; what is in them saves reading, and changes nothing. */
  readonly windows: SegmentWindows;
  /** Rewrites what differs, in an audit that repairs. */
  readonly repair: ItemRepairer;
  /** Holds the levels against the items that were compared. */
  readonly levels: LevelAuditor;
}

/**
 * Begins an audit. `id` is 32 hexadecimal digits, never used before.
 * @throws InvalidAuditRequest when it is to read an archive that is not there
 */
export async function beginAudit(
  {
    source = 'stream',
    ...begun
  }: { id: string; range: AuditRange; repair: boolean; startedAtMs: number; source?: AuditSource },
  { ledger, logs }: Pick<AuditorPorts, 'ledger' | 'logs'>,
): Promise<AuditState> {
  if (logs[source] === undefined)
    throw new InvalidAuditRequest(
      '"source" must be stream: this stage does not archive raw events (archiveRawEvents)',
    );
  const shards = [...(await ledger.shards())].sort();
  return newAudit({ ...begun, source, shards });
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
