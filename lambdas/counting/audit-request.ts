// Reading a request for an audit: which hours to begin with, or the cursor of an audit to go on with.
import type { AuditRange, AuditSource, AuditState } from './audit-state.ts';
import { HOUR_MS, isoSeconds, parseInstant } from './time.ts';

/** A request to begin an audit, or to go on with one. Bounds are epoch milliseconds on whole hours. */
export type AuditRequest =
  | { readonly kind: 'begin'; readonly range: AuditRange; readonly source: AuditSource }
  | { readonly kind: 'go-on'; readonly audit: string; readonly step: number };

/** A request for an audit that can not be met; the message says which parameter and what it may be. */
export class InvalidAuditRequest extends Error {
  override readonly name = 'InvalidAuditRequest';
}

/** How long an audit may be gone on with. What it sets aside is deleted after a day. */
export const AUDIT_LASTS_MS = 23 * HOUR_MS;

const CURSOR = /^([0-9a-f]{32})\.([1-9]\d{0,8})$/;

/** The cursor that names an audit after so many steps. */
export function auditCursor({ id, step }: Pick<AuditState, 'id' | 'step'>): string {
  return `${id}.${step}`;
}

/**
 * Reads a request for an audit.
 * @param parameters `from` and `to` (ISO 8601 or epoch milliseconds, whole hours) and perhaps `source`, or `cursor`
 * @throws InvalidAuditRequest naming the parameter that is wrong
 */
export function parseAuditRequest(
  parameters: Readonly<Record<string, string | undefined>>,
  nowMs: number,
): AuditRequest {
  const { cursor, from, to, slice, source } = parameters as Record<
    'cursor' | 'from' | 'to' | 'slice' | 'source',
    string | undefined
  >;
  if (slice !== undefined)
    throw new InvalidAuditRequest(
      'there is no "slice": an answer that is not complete has a "next", to be sent as "cursor"',
    );
  if (cursor !== undefined) {
    if (from !== undefined || to !== undefined || source !== undefined)
      throw new InvalidAuditRequest(
        '"cursor" goes on with an audit that has its "from", "to" and "source" already',
      );
    const match = CURSOR.exec(cursor);
    if (match?.[1] === undefined)
      throw new InvalidAuditRequest('"cursor" must be the "next" of an earlier answer, unchanged');
    return { kind: 'go-on', audit: match[1], step: Number(match[2]) };
  }
  const fromMs = wholeHour('from', from);
  const toMs = wholeHour('to', to);
  if (fromMs >= toMs) throw new InvalidAuditRequest('"from" must be before "to"');
  if (toMs > nowMs) throw new InvalidAuditRequest(`"to" must be over: only closed hours are audited`);
  return { kind: 'begin', range: { fromMs, toMs }, source: sourceNamed(source) };
}

/**
 * The audit that a cursor names, if it may be gone on with.
 * @throws InvalidAuditRequest when it is unknown, over, or of the other kind
 */
export function resumable(state: AuditState | undefined, repair: boolean, nowMs: number): AuditState {
  if (state === undefined || nowMs - state.startedAtMs > AUDIT_LASTS_MS)
    throw new InvalidAuditRequest(
      '"cursor" is of no audit of the last day: begin again with "from" and "to"',
    );
  if (state.repair !== repair)
    throw new InvalidAuditRequest(
      state.repair
        ? '"cursor" is of a repair: go on with POST /v1/admin/repair'
        : '"cursor" is of an audit without repair: go on with GET /v1/audit',
    );
  return state;
}

function sourceNamed(text = 'stream'): AuditSource {
  if (text === 'stream' || text === 'archive') return text;
  throw new InvalidAuditRequest('"source" must be stream or archive');
}

function wholeHour(name: string, text: string | undefined): number {
  const instantMs = parseInstant(text !== undefined && /^\d{1,16}$/.test(text) ? Number(text) : text);
  if (instantMs === undefined) {
    throw new InvalidAuditRequest(
      `"${name}" must be ISO 8601 with a zone (2026-11-22T05:00:00Z) or epoch milliseconds`,
    );
  }
  if (instantMs % HOUR_MS !== 0) {
    const earlier = isoSeconds(instantMs - (instantMs % HOUR_MS));
    throw new InvalidAuditRequest(`"${name}" must be a whole hour, such as ${earlier}`);
  }
  return instantMs;
}
