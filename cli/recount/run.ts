// The action of `tally recount`: reproduces segments, compares them with the store, repairs it, or counts into other tables.
import { S3RawArchive } from '../../lambdas/aws/raw-archive.ts';
import { KinesisLog } from '../../lambdas/aws/stream-log.ts';
import { finishPlans } from '../../lambdas/compactor/finish-plans.ts';
import { BLOCK_BYTES } from '../../lambdas/compactor/ports.ts';
import { HOUR_MS, isoSeconds, parseInstant } from '../../lambdas/core/time.ts';
import { retentionsKept } from '../../lambdas/core/watermark.ts';
import { S3ArchiveCleaner } from '../../lambdas/deletion/archive-cleaner.aws.ts';
import type { SegmentSource } from '../../lambdas/raw-ports.ts';
import { archivedSource } from '../../lambdas/recount/archived-source.ts';
import { ALL_HOURS, type HourRange, type RecountPorts } from '../../lambdas/recount/ports.ts';
import { begin } from '../../lambdas/recount/produce.ts';
import { recount } from '../../lambdas/recount/recount.ts';
import { RepairArchive } from '../../lambdas/recount/repair-archive.aws.ts';
import type { RecountOptions } from '../recount.ts';
import { exitCodes, UsageError } from '../shared/errors.ts';
import { onStack, type StackAccess } from '../shared/stack-access.ts';
import { clock, openStore, retentionMs, type StoreAccess } from '../shared/store-access.ts';
import { progressBar } from '../shared/terminal.ts';
import { type ArchiveAlone, rebuildInto } from './rebuild.ts';
import { exitCodeOf, linesOf } from './report.ts';
import { FileSpill } from './spill.ts';
import { readStateFile, removeStateFile, writeStateFile } from './state-file.ts';

/** A part with this many events takes some 100 MB. */
const PART_EVENTS = 250_000;

/** Runs the command. @returns its exit code */
export async function runRecount(given: RecountOptions): Promise<number> {
  const range = rangeOf(given);
  const { source: from, intoGeneration: generation } = given;
  if (from !== 'stream' && from !== 'archive')
    throw new UsageError(`--source must be stream or archive, not "${from}".`);
  return onStack(given, async (stack) => {
    const source = sourceOf(stack, from);
    const own = openStore(stack);
    if (generation === undefined) return compare(given, range, stack, own, source, '');
    if (given.repair === true) throw new UsageError('--repair is for the tables of the stack itself.');
    const bar = progressBar();
    const records = from === 'archive' ? archiveOf(stack) : source;
    const { access, replayed, left } = await rebuildInto(generation, stack, own, records, bar.show).finally(
      bar.stop,
    );
    for (const line of left) console.log(line);
    const code = await compare(given, range, stack, access, replayed, ` generation ${generation}`);
    return code === exitCodes.done && left.length > 0 ? exitCodes.nothing : code;
  });
}

async function compare(
  given: RecountOptions,
  range: HourRange,
  stack: StackAccess,
  access: StoreAccess,
  source: SegmentSource,
  of: string,
): Promise<number> {
  const { countsTable } = stack.resources;
  const isRepair = given.repair === true;
  const hours = range === ALL_HOURS ? 'all' : `${isoSeconds(range.fromMs)}/${isoSeconds(range.toMs)}`;
  const what = `${countsTable}${of} ${hours} ${given.source}${isRepair ? ' repair' : ''}`;
  const saved = await readStateFile(given.state, what);
  const bar = progressBar();
  bar.show({ phase: 'look', done: 0, of: 1 });
  try {
    const state = saved ?? (await begin(what, range, access, { partEvents: PART_EVENTS }));
    const spill = await FileSpill.open(`${given.state}.rows`, state.spilled);
    const settings = {
      // Rows that an earlier retention setting removed are not a difference.
      retentions: retentionsKept(await access.ledger.readWatermark(), access.settings.retentions),
      periodsAtOnce: 64,
      attemptsMax: 20,
      blockBytes: BLOCK_BYTES,
    };
    const found = await recount(
      state,
      portsOf(stack, access, source, spill, isRepair),
      { ...settings, partEvents: PART_EVENTS },
      { save: (now) => writeStateFile(given.state, now), onProgress: bar.show },
    );
    await removeStateFile(given.state);
    await spill.remove();
    bar.stop();
    if (given.json === true) console.log(JSON.stringify(found));
    else for (const line of linesOf(found)) console.log(line);
    return exitCodeOf(found);
  } finally {
    bar.stop();
  }
}

function portsOf(
  { s3, resources }: StackAccess,
  { ledger, store, state, rewriter, compactor }: StoreAccess,
  source: SegmentSource,
  spill: FileSpill,
  isRepair: boolean,
): RecountPorts {
  return {
    ledger,
    source,
    state,
    store,
    periods: rewriter,
    finishPlans: () => finishPlans(compactor),
    spill,
    clock,
    repair: isRepair
      ? {
          store,
          rewriter,
          state,
          archive: new RepairArchive(s3, resources.archiveBucket),
        }
      : undefined,
  };
}

function sourceOf({ kinesis, s3, resources }: StackAccess, source: 'stream' | 'archive'): SegmentSource {
  if (source === 'stream') return new KinesisLog(kinesis, resources.streamName);
  const kept = retentionMs(resources.settings.rawRetentionDays);
  return archivedSource(new S3RawArchive(s3, resources.archiveBucket), clock, kept);
}

function archiveOf({ s3, resources }: StackAccess): ArchiveAlone {
  const cleaner = new S3ArchiveCleaner(s3, resources.archiveBucket);
  const archive = new S3RawArchive(s3, resources.archiveBucket);
  return { archive, deletions: () => cleaner.deletions() };
}

function rangeOf({ from, to, all, intoGeneration }: RecountOptions): HourRange {
  if (all === true || (intoGeneration !== undefined && from === undefined)) {
    if (from !== undefined || to !== undefined)
      throw new UsageError('Give --all, or --from and --to, not both.');
    return ALL_HOURS;
  }
  if (from === undefined || to === undefined)
    throw new UsageError('Say which hours: --from TIME --to TIME, or --all.');
  const [fromMs, toMs] = [hourOf('--from', from), hourOf('--to', to)];
  if (toMs <= fromMs) throw new UsageError('--to must be after --from.');
  return { fromMs, toMs };
}

function hourOf(option: string, text: string): number {
  const ms = parseInstant(text);
  if (ms === undefined || ms % HOUR_MS !== 0)
    throw new UsageError(
      `${option} must be a whole hour with a zone, such as 2026-11-22T05:00Z, not "${text}".`,
    );
  return ms;
}
