// Compares expected counts with those of the service; pure.

import type { MinuteCounts } from './truth.ts';

/** A count that is not what it should be. */
export interface Difference {
  readonly entity: string;
  /** Epoch seconds. */
  readonly minute: number;
  readonly expected: number;
  readonly found: number;
}

/** All minutes in which the two differ, in order of time. */
export function differences(entity: string, expected: MinuteCounts, found: MinuteCounts): Difference[] {
  const minutes = [...new Set([...expected.keys(), ...found.keys()])].toSorted((a, b) => a - b);
  return minutes
    .map((minute) => ({ entity, minute, expected: expected.get(minute) ?? 0, found: found.get(minute) ?? 0 }))
    .filter((one) => one.expected !== one.found);
}

/** Half-open span of time, epoch seconds. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

/** The span in pieces of at most `secondsMax`. */
export function pieces(span: Span, secondsMax: number): Span[] {
  const out: Span[] = [];
  for (let from = span.from; from < span.to; from += secondsMax) {
    out.push({ from, to: Math.min(from + secondsMax, span.to) });
  }
  return out;
}
