// Ledger entries for tests of the accounts.

import { noAccounts } from '../../lambdas/core/accounts.ts';
import { type Checkpoint, EMPTY_CHECKPOINT, moveForward } from '../../lambdas/core/checkpoint.ts';
import { WHOLE_RANGE } from '../../lambdas/core/hash-range.ts';
import { parseSequenceNumber } from '../../lambdas/core/identifiers.ts';
import type { SegmentEntry } from '../../lambdas/core/segment-entry.ts';
import { CONFIG } from './records.ts';

/** An entry whose parts have the given numbers of events. */
export function entry(segment: number, parts: number[], change: Partial<SegmentEntry> = {}): SegmentEntry {
  const emitted = parts.reduce((sum, events) => sum + events, 0);
  return {
    segment,
    first: parseSequenceNumber('1'),
    last: parseSequenceNumber('2'),
    records: 2,
    config: CONFIG,
    version: 1,
    lost: false,
    accounts: { ...noAccounts(), received: emitted, emitted },
    parts: parts.map((events) => ({ events, range: WHOLE_RANGE })),
    digest: 'd',
    idBytes: 0,
    deltaBytes: 0,
    minArrivalMs: 0,
    runMaxBeforeMs: 0,
    runMaxMs: 0,
    acked: new Set(),
    dead: new Set(),
    parked: new Set(),
    returned: new Set(),
    discarded: new Set(),
    expired: {},
    ...change,
  };
}

/** A checkpoint moved in several steps, each through as many of the entries. */
export function movedThrough(entries: readonly SegmentEntry[], steps: readonly number[]): Checkpoint {
  return steps.reduce((checkpoint, through) => {
    const open = entries.filter(({ segment }) => checkpoint.open.includes(segment));
    return moveForward(
      checkpoint,
      open,
      entries.slice(checkpoint.through, Math.max(checkpoint.through, through)),
    );
  }, EMPTY_CHECKPOINT);
}
