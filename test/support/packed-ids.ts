// Packed ids of events, as a segment has them.
import { SegmentIds } from '../../lambdas/core/dedup-window.ts';
import { hashEventId } from '../../lambdas/core/seen-ids.ts';

export function packIds(ids: Iterable<string>): Uint8Array {
  const segment = new SegmentIds();
  const id = { high: 0, low: 0 };
  for (const text of ids) {
    hashEventId(text, id);
    segment.add(id);
  }
  return segment.packed();
}
