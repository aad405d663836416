// `tally recount`: reproduces segments, compares them with the store, repairs it, or counts into other tables.
import cliProgress from 'cli-progress';
import { Command } from 'commander';
import { S3RawArchive } from '../lambdas/aws/raw-archive.ts';
import { KinesisLog } from '../lambdas/aws/stream-log.ts';
import { DeltasMissing } from '../lambdas/compactor/epoch-rows.ts';
import { finishPlans } from '../lambdas/compactor/finish-plans.ts';
import { BLOCK_BYTES } from '../lambdas/compactor/ports.ts';
import { HOUR_MS, isoSeconds, parseInstant } from '../lambdas/core/time.ts';
import { retentionsKept } from '../lambdas/core/watermark.ts';
import { S3ArchiveCleaner } from '../lambdas/deletion/archive-cleaner.aws.ts';
import type { SegmentSource } from '../lambdas/raw-ports.ts';
import { archivedSource } from '../lambdas/recount/archived-source.ts';
import {
  ALL_HOURS,
  type HourRange,
  type RecountPorts,
  type RecountProgress,
} from '../lambdas/recount/ports.ts';
import { begin } from '../lambdas/recount/produce.ts';
import { recount } from '../lambdas/recount/recount.ts';
import { RepairArchive } from '../lambdas/recount/repair-archive.aws.ts';
import { type ArchiveAlone, rebuildInto } from './recount/rebuild.ts';
import { exitCodeOf, linesOf } from './recount/report.ts';
import { FileSpill } from './recount/spill.ts';
import { readStateFile, removeStateFile, writeStateFile } from './recount/state-file.ts';
import { exitCodes, OperatorError } from './shared/errors.ts';
import { STACK_CODES, type StackOptions, stackNamed, withExample, withStack } from './shared/options.ts';
import { openStack, type StackAccess } from './shared/stack-access.ts';
import { clock, openStore, retentionMs, type StoreAccess } from './shared/store-access.ts';

interface Given extends StackOptions {
  readonly from?: string;
  readonly to?: string;
  readonly all?: boolean;
  readonly source: string;
  readonly repair?: boolean;
  readonly intoGeneration?: string;
  readonly state: string;
  readonly json?: boolean;
}

const command = withStack(
  new Command('recount').description(
    'Count hours again from their records, and compare with what is stored, both ways. The same command continues after a kill. Exit codes: 0 equal or repaired; 1 differences; 2 wrong usage; 3 not everything could be compared.',
  ),
)
  .option('--from <time>', 'first hour, ISO 8601 with a zone (2026-11-22T05:00Z)')
  .option('--to <time>', 'end of the last hour')
  .option('--all', 'every hour')
  .option(
    '--source <source>',
    'read records from the stream, or from the archive (with archiveRawEvents)',
    'stream',
  )
  .option('--repair', 'correct what differs; the archive keeps the old state under repairs/')
  .option(
    '--into-generation <name>',
    'count all records again into a second pair of tables, named after the generation, and compare those; from the archive it needs no ledger',
  )
  .option('--state <file>', 'progress file, from which a killed run continues', 'tally-recount.json')
  .option('--json', 'print the findings as JSON')
  .action(async (given: Given) => {
    process.exitCode = await run(given);
  });

export const recountCommand = withExample(
  command,
  'npx tally recount --from 2026-11-22T05:00Z --to 2026-11-22T06:00Z --stage prod\nnpx tally recount --all --source archive --repair --stage prod',
  STACK_CODES,
);

/** A part with this many events takes some 100 MB. */
const PART_EVENTS = 250_000;

async function run(given: Given): Promise<number> {
  const range = rangeOf(given);
  if (given.source !== 'stream' && given.source !== 'archive')
    throw usage(`--source must be stream or archive, not "${given.source}".`);
  const stack = await openStack(stackNamed(given));
  try {
    const source = sourceOf(stack, given.source);
    const own = openStore(stack);
    if (given.intoGeneration === undefined) return await compare(given, range, stack, own, source, '');
    if (given.repair === true) throw usage('--repair is for the tables of the stack itself.');
    const bar = progressBar();
    const { access, replayed, left } = await rebuildInto(
      given.intoGeneration,
      stack,
      own,
      given.source === 'archive' ? archiveOf(stack) : source,
      bar.show,
    ).finally(bar.stop);
    for (const line of left) console.log(line);
    const code = await compare(given, range, stack, access, replayed, ` generation ${given.intoGeneration}`);
    return code === exitCodes.done && left.length > 0 ? exitCodes.nothing : code;
  } finally {
    stack.close();
  }
}

async function compare(
  given: Given,
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
  { ledger, store, state, forget, compactor }: StoreAccess,
  source: SegmentSource,
  spill: FileSpill,
  isRepair: boolean,
): RecountPorts {
  return {
    ledger,
    source,
    state,
    store,
    periods: forget,
    compaction: {
      async finishPlans() {
        try {
          await finishPlans(compactor);
          return undefined;
        } catch (error) {
          if (error instanceof DeltasMissing) return error.message;
          throw error;
        }
      },
    },
    spill,
    clock,
    repair: isRepair
      ? {
          store,
          deltas: {
            putDelta: (delta) => store.putDelta(delta),
            replaceDelta: (name, before, rows) => forget.replaceDelta(name, before, rows),
          },
          late: {
            lateItems: (level, range) => forget.lateItems(level, range),
            replaceLate: (...item) => forget.replaceLate(...item),
            putLate: (...rows) => store.putLate(...rows),
          },
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

function rangeOf({ from, to, all, intoGeneration }: Given): HourRange {
  if (all === true || (intoGeneration !== undefined && from === undefined)) {
    if (from !== undefined || to !== undefined) throw usage('Give --all, or --from and --to, not both.');
    return ALL_HOURS;
  }
  if (from === undefined || to === undefined)
    throw usage('Say which hours: --from TIME --to TIME, or --all.');
  const [fromMs, toMs] = [hourOf('--from', from), hourOf('--to', to)];
  if (toMs <= fromMs) throw usage('--to must lie after --from.');
  return { fromMs, toMs };
}

function hourOf(option: string, text: string): number {
  const ms = parseInstant(text);
  if (ms === undefined || ms % HOUR_MS !== 0)
    throw usage(`${option} must be a whole hour with a zone, such as 2026-11-22T05:00Z, not "${text}".`);
  return ms;
}

function usage(message: string): OperatorError {
  return new OperatorError(message, exitCodes.usage);
}

/** A bar on a terminal, otherwise a line for each phase; on standard error. */
function progressBar(): { readonly show: (progress: RecountProgress) => void; readonly stop: () => void } {
  let phase = '';
  if (!process.stderr.isTTY) {
    const show = (progress: RecountProgress) => {
      if (progress.phase !== phase) console.error(`${progress.phase} …`);
      phase = progress.phase;
    };
    return { show, stop: () => {} };
  }
  const bar = new cliProgress.SingleBar({
    format: '{phase} [{bar}] {percentage}% · {value} of {total}',
    hideCursor: true,
    clearOnComplete: true,
  });
  return {
    show: ({ phase: next, done, of }) => {
      if (next !== phase) {
        if (phase !== '') bar.stop();
        bar.start(of, done, { phase: next });
      }
      phase = next;
      bar.setTotal(of);
      bar.update(done, { phase: next });
    },
    stop: () => bar.stop(),
  };
}
