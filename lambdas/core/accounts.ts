// The accounts of segments: where every received event is, so that none goes missing between two columns.
import type { RejectionReason } from './event.ts';

/** What the rollup did with the events it received. All numbers are events. */
export interface Accounts {
  readonly received: number;
  readonly duplicate: number;
  /** Events that can never be counted, by reason. */
  readonly rejected: Readonly<Partial<Record<RejectionReason, number>>>;
  /** Events in the rows of rollup messages. */
  readonly emitted: number;
  /** Records that the stream trimmed before any part of them was sent. */
  readonly lost: number;
}

/** Accounts with zero events. */
export function noAccounts(): Accounts {
  return { received: 0, duplicate: 0, rejected: {}, emitted: 0, lost: 0 };
}

/** The accounts of a segment that was lost before its rollup: only the number of its events is known. */
export function lostAccounts(events: number): Accounts {
  return { ...noAccounts(), received: events, lost: events };
}

/** Adds two accounts, column by column. */
export function addAccounts(a: Accounts, b: Accounts): Accounts {
  return {
    received: a.received + b.received,
    duplicate: a.duplicate + b.duplicate,
    rejected: addRejected(a.rejected, b.rejected),
    emitted: a.emitted + b.emitted,
    lost: a.lost + b.lost,
  };
}

/** Adds rejected events, reason by reason. */
export function addRejected(a: Accounts['rejected'], b: Accounts['rejected']): Accounts['rejected'] {
  const sum: Partial<Record<RejectionReason, number>> = { ...a };
  for (const [reason, events] of Object.entries(b) as [RejectionReason, number][]) {
    sum[reason] = (sum[reason] ?? 0) + events;
  }
  return sum;
}

/** All rejected events, whatever the reason. */
export function rejectedEvents(accounts: Accounts): number {
  return Object.values(accounts.rejected).reduce((sum, events) => sum + events, 0);
}
