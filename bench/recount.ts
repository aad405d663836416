// How long a recount of an hour takes. An AWS in memory counts the hour and archives it, as deployed; then every segment is
// produced again from the archive, spilled to disk, and compared with the blocks.
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PART_EVENTS } from '../cli/recount/run.ts';
import { openSpill } from '../cli/recount/spill.ts';
import { FakeAws } from '../fake-aws/aws.ts';
import { S3RawArchive } from '../lambdas/aws/raw-archive.ts';
import { finishPlans } from '../lambdas/compactor/compact.ts';
import { BLOCK_BYTES } from '../lambdas/compactor/ports.ts';
import { HOUR_MS } from '../lambdas/core/time.ts';
import { archivedSource } from '../lambdas/recount/archived-source.ts';
import { begin } from '../lambdas/recount/produce.ts';
import { recount } from '../lambdas/recount/recount.ts';
import { countingStack, FOREVER, START_MS } from '../plan/count.ts';
import { Meter } from '../plan/meter.ts';
import { entityName, USUAL_WORKLOAD, zipf } from '../plan/workload.ts';
import { Random } from '../proof/simulation/random.ts';
import { processorMs } from './end-to-end/figures.ts';

const { rate }: { rate: number } = JSON.parse(process.argv[2] ?? '{}');
const events = rate * (HOUR_MS / 1000);
const { entities, skew, windowSeconds } = USUAL_WORKLOAD;

/** Counts the hour on one shard, and compacts what is due ten minutes later. */
async function counted(archive: S3RawArchive) {
  const settings = { hashSlots: 16, windowSeconds, compactionSeconds: 300, dedupWindowSeconds: 3_600 };
  const stack = countingStack(settings, new Meter(), archive);
  const random = new Random('recount');
  const rank = zipf(entities, skew, () => random.next());
  for (let index = 0; index < events; index += 1) {
    const atMs = START_MS + Math.floor((index * 1000) / rate);
    const entity = entityName(rank(), 'path');
    await stack.take(atMs, [{ id: `event-${index}`, metric: 'view', entity, atMs }]);
  }
  await stack.finish(600_000);
  return stack;
}

const { s3 } = new FakeAws({ clock: { nowMs: () => START_MS } });
s3.addBucket('archive');
const archive = new S3RawArchive(s3.client(), 'archive');
const { ports, segments } = await counted(archive);
console.log(
  `Counted ${events.toLocaleString('en')} events of ${entities.toLocaleString('en')} entities in ${segments()} segments.`,
);

const settings = { retentions: FOREVER, periodsAtOnce: 64, blockBytes: BLOCK_BYTES, partEvents: PART_EVENTS };
const [beganMs, usedMs] = [performance.now(), processorMs()];
const state = await begin('bench', { fromMs: START_MS, toMs: START_MS + HOUR_MS }, ports, settings);
const spill = await openSpill(mkdtempSync(join(tmpdir(), 'tally-recount-')), state.spilled);
try {
  const found = await recount(
    state,
    {
      ...ports,
      source: archivedSource(archive, ports.clock, undefined),
      // Blocks are found by the hours that are asked for.
      periods: { periodsOf: async () => [] },
      finishPlans: () => finishPlans(ports),
      spill,
      repair: undefined,
    },
    settings,
    { save: async () => {}, onProgress: () => {} },
  );
  if (found.events !== events || found.differing > 0 || found.unknown.length > 0)
    throw new Error(
      `the recount is wrong: ${JSON.stringify({ ...found, differences: found.differences.slice(0, 3) })}`,
    );
  const seconds = (ms: number) => (ms / 1000).toFixed(0);
  console.log(
    `Recounted in ${seconds(performance.now() - beganMs)} s (${seconds(processorMs() - usedMs)} s of processor time), ${Math.round(process.memoryUsage.rss() / 2 ** 20)} MB with the AWS in memory: ${found.figures.hours.compared.toLocaleString('en')} figures in ${state.spilled.length} parts, no difference.`,
  );
} finally {
  await spill.remove();
}
