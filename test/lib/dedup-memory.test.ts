// A dedup window that the settings allow fits into the aggregator's memory, for as long as the container lives.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ShardWindow } from '../../lambdas/core/dedup-window.ts';
import { configurationOf } from '../../lib/configuration.ts';
import { dedupIdsMax } from '../../lib/dedup-capacity.ts';
import { collectGarbage } from '../support/garbage.ts';

/** What the code takes besides ids (lib/dedup-capacity.ts). */
const BASE_MB = 400;
/** The test holds so much less than the function. */
const SCALE = 256;
const SEGMENTS_OF_WINDOW = 60;

test('the largest window that settings allow fits into 1,024 MB, with the ids that have left it', () => {
  const memoryMb = 1_024;
  const ids = Math.floor(dedupIdsMax({ aggregatorMemoryMb: memoryMb }) / 2);
  const dedupEventsPerSecond = Math.floor(ids / 3_600);
  // Allowed: it throws otherwise.
  configurationOf('prod', { aggregatorMemoryMb: memoryMb, dedupEventsPerSecond, dedupWindowSeconds: 3_600 });
  collectGarbage();
  const before = process.memoryUsage().arrayBuffers;
  const window = new ShardWindow();
  const perSegment = Math.floor(ids / SCALE / SEGMENTS_OF_WINDOW);
  let next = 1;
  let peak = 0;
  for (let segment = 1; segment <= 3 * SEGMENTS_OF_WINDOW; segment += 1) {
    const packed = new Uint8Array(8 * perSegment);
    const view = new DataView(packed.buffer);
    for (let index = 0; index < perSegment; index += 1) {
      view.setUint32(8 * index, next);
      view.setUint32(8 * index + 4, Math.imul(next, 0x9e3779b1) >>> 0);
      next += 1;
    }
    // A minute of arrivals each; the window is an hour.
    window.add(segment, segment * 60_000, packed);
    window.since((segment - SEGMENTS_OF_WINDOW) * 60_000);
    collectGarbage();
    peak = Math.max(peak, process.memoryUsage().arrayBuffers - before - packed.length);
  }
  const tookMb = Math.round((peak * SCALE) / 1e6);
  assert.ok(
    BASE_MB + tookMb <= memoryMb * 1.048_576,
    `${ids} ids a window take ${tookMb} MB, besides the ${BASE_MB} MB of the code: the function has ${memoryMb}`,
  );
});
