// `tally import`: imports log files into a running Tally, every line exactly once.
import { InvalidArgumentError, Option } from 'commander';
import {
  addDeliveryOptions,
  type DeliveryFlags,
  deliverySettings,
  seconds,
} from './import/delivery-options.ts';
import { addFigures, Figures, type Reporter } from './import/figures.ts';
import { type ImportSettings, importFile } from './import/import-file.ts';
import { type RejectsFile, rejectsFile } from './import/rejects.ts';
import { stderrReporter, summary, uncertainAdvice, waitedSummary } from './import/report.ts';
import { connect, type Service, serviceOptions, type Waited, waitUntilCounted } from './service.ts';
import { asCommandError, exitCodes, UsageError } from './shared/errors.ts';
import { commandOf } from './shared/options.ts';
import { stopOnSignals } from './shared/signals.ts';
import { openSource, type Source } from './source/source.ts';
import type { ImportState } from './source/state.ts';

/** Grace period for requests in flight after Ctrl-C. */
const GRACE_MS = 2_000;

interface ImportFlags extends DeliveryFlags {
  readonly forget?: boolean;
  readonly giveUpAfter?: number;
  readonly maxMalformed: number;
  readonly wait?: boolean;
  readonly waitTimeout?: number;
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

function percent(text: string): number {
  const value = Number(text.replace(/%$/, ''));
  if (text !== '' && value >= 0 && value <= 100) return value;
  throw new InvalidArgumentError('It must be a percentage from 0 to 100.');
}

export const importCommand = addDeliveryOptions(
  commandOf(
    'import',
    'Import log files, every line exactly once; run it again to continue, or after the files have grown.',
    `npx tally import access.log.1.gz access.log --url http://127.0.0.1:8787 --wait
npx tally import clicks.jsonl --entity g --time t --url http://127.0.0.1:8787
npx tally import presses.csv --entity css --time "press time" --url http://127.0.0.1:8787
npx tally import a.log --log-format '$remote_addr [$time_local] "$request" $status' --where status=2xx`,
    `0 imported; 1 failed on the way, or too many malformed lines; 2 wrong usage or state;
3 uncertain requests wait for --resume-uncertain; 4 --wait: not everything is counted; 130 interrupted.`,
  ).argument('<file...>', 'plain or gzip'),
)
  .option(
    '--give-up-after <seconds>',
    'stop waiting for the service after this time (default: never)',
    seconds,
  )
  .addOption(
    new Option(
      '--forget',
      'forget the state: everything counts again unless the service is empty; once stopped, continue without it',
    ).helpGroup('Resuming:'),
  )
  .optionsGroup('Output:')
  .option('--wait', 'wait until everything imported is counted')
  .option('--wait-timeout <seconds>', 'stop waiting after this time (default: never)', seconds)
  .option('--max-malformed <percent>', 'exit code 1 if more lines than this are malformed', percent, 10)
  .option('--dry-run', 'read and check only')
  .option('--json', 'figures as JSON, alone on standard output')
  .action(async (files: string[], flags: ImportFlags) => {
    process.exitCode = await importFiles(files, flags);
  });

/** @returns the exit code: that of the first failure, since the import goes on with the other files */
async function importFiles(files: readonly string[], flags: ImportFlags): Promise<number> {
  const { dryRun = false, forget = false, json, metric } = flags;
  const startedAt = Date.now();
  const results: (Figures & { readonly file: string; readonly format: string | undefined })[] = [];
  let exitCode: number = exitCodes.done;
  let acceptedAt = 0;
  let waited: Waited | undefined;
  const { stop, kill, release } = stopOnSignals(GRACE_MS, (signal) => {
    exitCode = signal === 'SIGINT' ? exitCodes.interrupted : exitCodes.terminated;
    console.error(`stopping: the same command${forget ? ' without --forget' : ''} continues from here`);
  });

  function end(code: number, why: string): void {
    exitCode ||= code;
    console.error(why);
  }

  function fail(error: unknown): void {
    const { exitCode: code, message } = asCommandError(error);
    end(code, message);
  }

  async function importAll(): Promise<void> {
    if (files.includes('-')) {
      throw new UsageError(
        'standard input cannot be imported, because it cannot be read again: use tally follow --stdin',
      );
    }
    const options = dryRun ? undefined : serviceOptions(flags);
    const settingsFor = deliverySettings(flags);
    // Open all files first: a wrong name should not show up after an hour.
    const opened = await Promise.allSettled(files.map(openSource));
    for (const one of opened) if (one.status === 'rejected') fail(one.reason);
    const sources = opened.flatMap((one) => (one.status === 'fulfilled' ? one.value : []));
    const giveUpAfterMs = (flags.giveUpAfter ?? Infinity) * 1000;
    const service =
      options && sources.length > 0 ? await connect(options, stop.signal, giveUpAfterMs) : undefined;
    if (!dryRun && service === undefined) return;
    const rejectsTo = flags.rejects === undefined ? undefined : await rejectsFile(flags.rejects, files);
    try {
      for (const source of sources) {
        if (stop.signal.aborted) break;
        // An unusable file does not stop the others; a service that refuses does.
        const settings = { ...settingsFor(service?.id ?? ''), forget, dryRun };
        await importOne(source, settings, service, rejectsTo).catch((error: unknown) => {
          fail(error);
          if (asCommandError(error).exitCode !== exitCodes.usage && sources.length > 1) stop.abort();
        });
      }
    } finally {
      await rejectsTo?.close();
    }
    if (flags.wait && service && !stop.signal.aborted) await wait(service);
  }

  async function importOne(
    source: Source,
    settings: ImportSettings,
    service: Service | undefined,
    rejectsTo: RejectsFile | undefined,
  ): Promise<void> {
    const { name } = source;
    const figures = new Figures();
    const reporter = stderrReporter(name, rejectsTo, source);
    const sender = service?.client ?? {
      sendBatch: () => Promise.reject(new Error('a dry run sends nothing')),
    };
    const requests = () => service?.client.stats().requests ?? 0;
    const requestsBefore = requests();
    let format: string | undefined;
    try {
      const ports = { sender, reporter, figures, now: Date.now, stop: stop.signal, kill: kill.signal };
      const read = await importFile(source, settings, ports);
      format = read?.plan.format;
      const nothingNew = figures.already > 0 && figures.accepted + figures.unsent + figures.uncertain === 0;
      if (nothingNew && service && read) hintAtForget(reporter, service, read.before);
    } finally {
      reporter.end();
      figures.requests = requests() - requestsBefore;
      if (figures.accepted > 0) acceptedAt = Date.now();
      results.push({ file: name, format, ...figures });
    }
    if (!json) console.log(summary(name, format, figures, dryRun));
    judge(name, figures);
  }

  function judge(name: string, { uncertain, unsent, malformed, lines, ignored }: Figures): void {
    const { maxMalformed } = flags;
    if (uncertain > 0) end(exitCodes.uncertain, uncertainAdvice(uncertain));
    // A part of a request that may be stored: the import itself has said so.
    if (unsent > 0 && !dryRun) exitCode ||= exitCodes.uncertain;
    const share = (100 * malformed) / Math.max(1, lines - ignored);
    if (share <= maxMalformed) return;
    end(
      exitCodes.failed,
      `${name}: ${malformed} of ${lines - ignored} lines are malformed (${share.toFixed(0)} %, --max-malformed is ${maxMalformed}): ` +
        'is it read as the right format? What could be read is imported.',
    );
  }

  async function wait(service: Service): Promise<void> {
    const { accepted } = total();
    if (accepted === 0) return;
    const timeoutMs = (flags.waitTimeout ?? Infinity) * 1000;
    waited = await waitUntilCounted(service, { accepted, acceptedAt, metric, timeoutMs, stop: stop.signal });
    console.error(waitedSummary(waited));
    const { rejected, dead, parked, expired, lost } = waited.grown;
    const left = rejected + Math.max(0, dead) + Math.max(0, parked) + expired + lost;
    if (waited.end === 'timed-out' || left > 0) exitCode ||= exitCodes.notCounted;
  }

  function total(): Figures {
    const sum = new Figures();
    for (const file of results) addFigures(sum, file);
    return sum;
  }

  try {
    await importAll();
  } catch (error) {
    fail(error);
  } finally {
    release();
  }
  const seconds = (Date.now() - startedAt) / 1000;
  const result = { ...total(), seconds, exitCode, files: results, ...(waited && { waited }) };
  if (json) console.log(JSON.stringify(result));
  return exitCode;
}

/** After a service was emptied, the state still says that everything was imported. */
function hintAtForget(
  reporter: Pick<Reporter, 'note'>,
  { before: { received } }: Service,
  { accepted, acceptedAt }: ImportState,
): void {
  const on = acceptedAt === undefined ? '' : ` on ${new Date(acceptedAt).toISOString().slice(0, 16)}Z`;
  reporter.note(`everything was imported into this service before${on}: nothing was sent`);
  if (received >= accepted) return;
  reporter.note(
    `but the service has received only ${received} events in all, and this file alone had ${accepted}: ` +
      'if it was emptied since, --forget imports everything again',
  );
}
