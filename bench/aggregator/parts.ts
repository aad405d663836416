// Where the aggregator's time goes: each part of its work done again by itself, by the code that does it.

import { createHash } from 'node:crypto';
import { deflateRawSync } from 'node:zlib';
import { batchesOf } from '../../lambdas/aws/kinesis-event.ts';
import { entryItem, headItem } from '../../lambdas/aws/ledger-items.ts';
import { SegmentIds, type ShardWindow } from '../../lambdas/counting/dedup-window.ts';
import { parseShardId, segmentId, shardKey } from '../../lambdas/counting/identifiers.ts';
import { decodeRollupMessage, encodeParts } from '../../lambdas/counting/rollup-message.ts';
import { hashEventId, type IdHash } from '../../lambdas/counting/seen-ids.ts';
import { planSegment } from '../../lambdas/counting/segment.ts';
import { emittedEntry } from '../../lambdas/counting/segment-entry.ts';
import { encodeTouched } from '../../lambdas/counting/touched-counters.ts';
import { type LoadedBatch, SHARD } from './load.ts';
import type { CoreResult } from './paths.ts';
import { rollupConfig } from './window.ts';

/** Does parts of a batch's work, each in a call of `measure`, which tells what it took. */
export type Measure = <Result>(part: string, work: () => Result) => Result;

/** The parts, in the order in which the aggregator does them. */
export function measureParts(
  { event }: LoadedBatch,
  { records, output }: CoreResult,
  window: ShardWindow,
  measure: Measure,
): void {
  const shard = shardKey('1', parseShardId(SHARD));
  const id = segmentId(shard, window.to);
  const config = rollupConfig(600_000);
  const rows = output.parts.flatMap(({ message }) => decodeRollupMessage(message.body).rows);
  const ids = records.flatMap(({ events }) =>
    events.flatMap((each) => ('rejected' in each || each.id === undefined ? [] : [each.id])),
  );
  const view = window.since(Number.NEGATIVE_INFINITY);
  const hashes: IdHash[] = ids.map(() => ({ high: 0, low: 0 }));

  measure('base64, JSON, validation', () => batchesOf(event));
  measure('SHA-256 of ids', () => {
    for (const [index, text] of ids.entries()) hashEventId(text, hashes[index] as IdHash);
  });
  measure('ids of the segment', () => {
    const segment = new SegmentIds();
    for (const hash of hashes) segment.add(hash);
    return segment.packed();
  });
  measure('ids of the window', () => hashes.filter((hash) => view.seen(hash)).length);
  measure('rollup messages', () => encodeParts(id, rows, config));
  measure('digest', () => {
    const digest = createHash('sha256');
    for (const { message } of output.parts) digest.update(message.body);
    return digest.update(output.ids).digest('hex');
  });
  measure('touched counters', () => encodeTouched(rows));
  measure('compressing those', () => output.touched.map((chunk) => deflateRawSync(chunk)));
  const head = planSegment(undefined, records, config, []);
  measure('marshalling head and entry', () => [
    headItem(shard, head),
    entryItem(shard, emittedEntry(head, output), 1_800_000_000),
    headItem(shard, head),
  ]);
}
