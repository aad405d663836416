// The action of `tally recount`: reproduces segments, compares them with the store, repairs it, or counts into other tables.
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { Archive } from '../../lambdas/aws/archive.ts';
import { S3RawArchive } from '../../lambdas/aws/raw-archive.ts';
import { KinesisLog } from '../../lambdas/aws/stream-log.ts';
import { finishPlans } from '../../lambdas/compactor/compact.ts';
import { BLOCK_BYTES } from '../../lambdas/compactor/ports.ts';
import { jsonIn } from '../../lambdas/core/json.ts';
import { HOUR_MS, isoSeconds, parseInstant } from '../../lambdas/core/time.ts';
import { retentionsKept } from '../../lambdas/core/watermark.ts';
import { S3ArchiveCleaner } from '../../lambdas/deletion/archive-cleaner.aws.ts';
import { archivedSource } from '../../lambdas/recount/archived-source.ts';
import {
  ALL_HOURS,
  type HourRange,
  type RecountPorts,
  type RecountState,
} from '../../lambdas/recount/ports.ts';
import { begin } from '../../lambdas/recount/produce.ts';
import { recount } from '../../lambdas/recount/recount.ts';
import { RepairArchive } from '../../lambdas/recount/repair-archive.aws.ts';
import type { RecountOptions } from '../recount.ts';
import { systemCode, UsageError } from '../shared/errors.ts';
import { onStack, type StackAccess } from '../shared/stack-access.ts';
import { clock, openStore, retentionMs } from '../shared/store-access.ts';
import { progressBar } from '../shared/terminal.ts';
import { lock } from '../source/journal.ts';
import { rebuildInto } from './rebuild.ts';
import { exitCodeOf, reportOf } from './report.ts';
import { openSpill } from './spill.ts';

/** A part with this many events takes some 100 MB. */
export const PART_EVENTS = 250_000;

/** The tables to compare, the records of their segments, their display name, and what they lack, one line each. */
type Compared = Awaited<ReturnType<typeof rebuildInto>> & { readonly name: string };

/** Runs the command. @returns its exit code */
export async function runRecount(given: RecountOptions): Promise<number> {
  const range = rangeOf(given);
  const { source: from, intoGeneration: generation } = given;
  if (generation !== undefined) checkGeneration(generation, given);
  // Two runs would mix the rows beside the state.
  const release = lock(`${given.state}.lock`, `another recount has ${given.state}`);
  const work = onStack(given, async (stack) => {
    const { s3, kinesis, resources } = stack;
    const { archiveBucket, countsTable, settings } = resources;
    const archive = new S3RawArchive(s3, archiveBucket);
    const source =
      from === 'stream'
        ? new KinesisLog(kinesis, resources.streamName, undefined, delay)
        : archivedSource(archive, clock, retentionMs(settings.rawRetentionDays));
    const own = openStore(stack);
    if (generation === undefined)
      return compare(given, range, stack, { access: own, source, name: countsTable, left: [] });
    const cleaner = new S3ArchiveCleaner(s3, archiveBucket);
    const records = from === 'archive' ? { archive, deletions: () => cleaner.deletions() } : source;
    const bar = progressBar();
    const rebuilding = rebuildInto(generation, stack, own, records, bar.show);
    const rebuilt = await rebuilding.finally(bar.stop);
    const name = `${countsTable} generation ${generation}`;
    return compare(given, range, stack, { ...rebuilt, name });
  });
  return work.finally(release);
}

async function compare(
  given: RecountOptions,
  range: HourRange,
  { label, s3, resources }: StackAccess,
  { access, source, name, left }: Compared,
): Promise<number> {
  const { ledger, store, state, rewriter, compactor } = access;
  const isRepair = given.repair === true;
  const hours = range === ALL_HOURS ? 'all' : `${isoSeconds(range.fromMs)}/${isoSeconds(range.toMs)}`;
  // Local stacks have the same tables.
  const what = `${label} ${name} ${hours} ${given.source}${isRepair ? ' repair' : ''}`;
  const saved = await readStateFile(given.state, what);
  const bar = progressBar();
  bar.show({ phase: 'look', done: 0, of: 1 });
  try {
    const begun = saved ?? (await begin(what, range, access, { partEvents: PART_EVENTS }));
    const spill = await openSpill(`${given.state}.rows`, begun.spilled);
    const archive = new RepairArchive(s3, resources.archiveBucket);
    const expired = new Archive(s3, resources.archiveBucket);
    const ports: RecountPorts = {
      ledger,
      source,
      state,
      store,
      periods: rewriter,
      finishPlans: () => finishPlans(compactor),
      spill,
      clock,
      repair: isRepair ? { store, rewriter, ledger, state, archive, expired } : undefined,
    };
    const settings = {
      // Rows that an earlier retention setting removed are not a difference.
      retentions: retentionsKept(await ledger.readWatermark(), access.settings.retentions),
      periodsAtOnce: 64,
      blockBytes: BLOCK_BYTES,
      partEvents: PART_EVENTS,
    };
    const found = await recount(begun, ports, settings, {
      save: (now) => writeStateFile(given.state, now),
      onProgress: bar.show,
    });
    await rm(given.state, { force: true });
    await spill.remove();
    bar.stop();
    console.log(reportOf(found, left, given.json));
    return exitCodeOf(found, left);
  } finally {
    bar.stop();
  }
}

function checkGeneration(generation: string, { repair }: RecountOptions): void {
  if (!/^[A-Za-z0-9]{1,8}$/.test(generation))
    throw new UsageError(`--into-generation takes 1 to 8 letters or digits, not "${generation}".`);
  if (repair === true) throw new UsageError('--repair is for the tables of the stack itself.');
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

/** Reads a state. @returns undefined when there is none @throws UsageError when it belongs to another recount */
async function readStateFile(file: string, what: string): Promise<RecountState | undefined> {
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw error;
  });
  if (text === undefined) return undefined;
  const other = (why: string) =>
    new UsageError(`${file} ${why}: delete it, or name another with --state FILE.`);
  const state = jsonIn(text) as RecountState | null | undefined;
  if (state?.v !== 1) throw other('is not the state of a recount');
  if (state.what === what) return state;
  // The blocks are repaired: nothing else says that their top lists are not.
  if (state.topsDue.length > 0)
    throw new UsageError(
      `${file} is of a repair that is not finished (${state.what}): run that one again first.`,
    );
  throw other(`is of another recount (${state.what})`);
}

/** Replaces the file atomically. */
async function writeStateFile(file: string, state: RecountState): Promise<void> {
  await writeFile(`${file}.new`, JSON.stringify(state));
  await rename(`${file}.new`, file);
}
