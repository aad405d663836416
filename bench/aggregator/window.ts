// A full dedup window to start from: segments of random ids, evenly spread over the time that the window reaches back.
import { randomFillSync } from 'node:crypto';
import { ID_BYTES } from '../../lambdas/counting/seen-ids.ts';
import { type RollupConfig, SEGMENT_EVENTS_MAX } from '../../lambdas/counting/segment.ts';
import { type LoadShape, START_MS } from './load.ts';

/** How far the dedup window reaches back, unless it is to be empty. */
const WINDOW_MS = 600_000;

/** The segments before the first batch, and how batches have to follow so that the window stays as full as it is. */
export interface FullWindow {
  readonly windowMs: number;
  /** From one batch to the next. */
  readonly gapMs: number;
  /** Oldest first, numbered from 1: packed ids, and the latest arrival, epoch milliseconds. */
  readonly segments: readonly { readonly ids: Uint8Array; readonly runMaxMs: number }[];
}

/** Fills a window. Segments are as large as batches, unless those are small. */
export function fullWindow({ ids, events }: LoadShape): FullWindow {
  if (ids === 0) return { windowMs: 1_000, gapMs: 10_000, segments: [] };
  const length = Math.min(ids, SEGMENT_EVENTS_MAX, Math.max(events, Math.ceil(ids / 100)));
  const count = Math.ceil(ids / length);
  const segments = Array.from({ length: count }, (_, place) => {
    const packed = randomFillSync(new Uint8Array(length * ID_BYTES));
    return { ids: packed, runMaxMs: Math.round(START_MS - ((count - place - 0.5) * WINDOW_MS) / count) };
  });
  // What is repeated from the batch before has to be within the window.
  return { windowMs: WINDOW_MS, gapMs: Math.min(WINDOW_MS / 2, (WINDOW_MS * events) / ids), segments };
}

/** How the aggregator rolls up, as a stage with the usual settings does. */
export function rollupConfig(windowMs: number): RollupConfig {
  return {
    bucketMinutes: 60,
    dedupWindowMs: windowMs,
    acceptPastMs: undefined,
    acceptFutureMs: 600_000,
    partBytesMax: 60_000,
  };
}
