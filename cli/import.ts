// `tally import`: imports log files into a running Tally, every line exactly once.
import { InvalidArgumentError, Option } from 'commander';
import {
  addDeliveryOptions,
  type DeliveryFlags,
  deliverySettings,
  seconds,
} from './import/delivery-options.ts';
import { addFigures, Figures } from './import/figures.ts';
import { importFile } from './import/import-file.ts';
import type { Reporter } from './import/outcomes.ts';
import { type RejectsFile, rejectsFile } from './import/rejects.ts';
import { stderrReporter, summary, uncertainAdvice, waitedSummary } from './import/report.ts';
import { connect, type Service, type Waited, waitUntilCounted } from './service.ts';
import { exitCodeOf, exitCodes, messageOf, UsageError } from './shared/errors.ts';
import { formatRequest } from './shared/format-options.ts';
import { commandOf } from './shared/options.ts';
import { serviceOptions } from './shared/service-options.ts';
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

interface FileResult extends Figures {
  readonly file: string;
  readonly format: string | undefined;
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
    `0 imported; 1 failed on the way, or too many malformed lines; 2 wrong usage or state, nothing sent;
3 uncertain requests wait for --resume-uncertain; 4 --wait: not everything is counted; 130 interrupted.`,
  ).argument('<file...>', 'plain or gzip'),
)
  .option(
    '--give-up-after <seconds>',
    'stop waiting for the service after this time (default: never)',
    seconds,
  )
  .addOption(
    new Option('--forget', 'forget the state: everything counts again unless the service is empty').helpGroup(
      'Resuming:',
    ),
  )
  .optionsGroup('Output:')
  .option('--wait', 'wait until everything imported is counted')
  .option('--wait-timeout <seconds>', 'stop waiting after this time (default: never)', seconds)
  .option('--max-malformed <percent>', 'exit code 1 if more lines than this are malformed', percent, 10)
  .option('--dry-run', 'read and check only')
  .option('--json', 'figures as JSON, alone on standard output')
  .action(async (files: string[], flags: ImportFlags) => {
    process.exitCode = await new Session(files, flags).run();
  });

class Session {
  readonly #files: readonly string[];
  readonly #flags: ImportFlags;
  readonly #stopping = stopOnSignals(GRACE_MS, (signal) => {
    this.#exitCode = signal === 'SIGINT' ? exitCodes.interrupted : exitCodes.terminated;
    console.error('stopping: the same command continues from here');
  });
  readonly #results: FileResult[] = [];
  readonly #startedAt = Date.now();
  #exitCode: number = exitCodes.done;
  #acceptedAt = 0;
  #waited: Waited | undefined;

  constructor(files: readonly string[], flags: ImportFlags) {
    this.#files = files;
    this.#flags = flags;
  }

  async run(): Promise<number> {
    try {
      await this.#importAll();
    } catch (error) {
      this.#fail(error);
    } finally {
      this.#stopping.release();
    }
    if (this.#flags.json) console.log(JSON.stringify(this.#result()));
    return this.#exitCode;
  }

  #end(exitCode: number, why: string): void {
    this.#exitCode ||= exitCode;
    console.error(why);
  }

  #fail(error: unknown): void {
    this.#end(exitCodeOf(error), messageOf(error));
  }

  async #importAll(): Promise<void> {
    const { rejects, wait, dryRun = false, giveUpAfter = Infinity } = this.#flags;
    if (this.#files.includes('-')) {
      throw new UsageError(
        'standard input cannot be imported, because it cannot be read again: use tally follow --stdin',
      );
    }
    const options = dryRun ? undefined : serviceOptions(this.#flags);
    formatRequest(this.#flags);
    // Open all files first: a wrong name should not show up after an hour.
    const sources = await this.#sources();
    const { stop } = this.#stopping;
    const patience = { say: console.error, stop: stop.signal, giveUpAfterMs: giveUpAfter * 1000 };
    const service = options && sources.length > 0 ? await connect(options, patience) : undefined;
    if (!dryRun && service === undefined) return;
    const rejectsTo = rejects === undefined ? undefined : await rejectsFile(rejects, this.#files);
    try {
      for (const source of sources) {
        if (stop.signal.aborted) break;
        // An unusable file does not stop the others; a service that refuses does.
        await this.#importOne(source, service, rejectsTo).catch((error: unknown) => {
          if (exitCodeOf(error) !== exitCodes.usage && sources.length > 1) stop.abort();
          this.#fail(error);
        });
      }
    } finally {
      await rejectsTo?.close();
    }
    if (wait && service && !stop.signal.aborted) await this.#wait(service);
  }

  async #sources(): Promise<Source[]> {
    const opened = await Promise.allSettled(this.#files.map(openSource));
    return opened.flatMap((one) => {
      if (one.status === 'fulfilled') return [one.value];
      this.#fail(one.reason);
      return [];
    });
  }

  async #importOne(
    source: Source,
    service: Service | undefined,
    rejectsTo: RejectsFile | undefined,
  ): Promise<void> {
    const { forget = false, dryRun = false, json } = this.#flags;
    const settings = { ...deliverySettings(this.#flags, service?.id ?? ''), forget, dryRun };
    const figures = new Figures();
    const reporter = stderrReporter(source.name, rejectsTo, source);
    const ports = {
      sender: service?.client ?? { sendBatch: () => Promise.reject(new Error('a dry run sends nothing')) },
      reporter,
      figures,
      now: Date.now,
      stop: this.#stopping.stop.signal,
      kill: this.#stopping.kill.signal,
    };
    const requests = () => service?.client.stats().requests ?? 0;
    const requestsBefore = requests();
    let format: string | undefined;
    try {
      const read = await importFile(source, settings, ports);
      format = read?.plan.format;
      const nothingNew = figures.already > 0 && figures.accepted + figures.unsent + figures.uncertain === 0;
      if (nothingNew && service && read) hintAtForget(reporter, service, read.before);
    } finally {
      reporter.end();
      figures.requests = requests() - requestsBefore;
      if (figures.accepted > 0) this.#acceptedAt = Date.now();
      this.#results.push({ file: source.name, format, ...figures });
    }
    if (!json) console.log(summary(source.name, format, figures, dryRun));
    this.#judge(source.name, figures);
  }

  #judge(name: string, { uncertain, unsent, malformed, lines, ignored }: Figures): void {
    const { maxMalformed, dryRun = false } = this.#flags;
    if (uncertain > 0) this.#end(exitCodes.uncertain, uncertainAdvice(uncertain));
    // A part of a request that may be stored: the import itself has said so.
    if (unsent > 0 && !dryRun) this.#exitCode ||= exitCodes.uncertain;
    const share = (100 * malformed) / Math.max(1, lines - ignored);
    if (share <= maxMalformed) return;
    this.#end(
      exitCodes.failed,
      `${name}: ${malformed} of ${lines - ignored} lines are malformed (${share.toFixed(0)} %, --max-malformed is ${maxMalformed}): ` +
        'is it read as the right format? What could be read is imported.',
    );
  }

  async #wait(service: Service): Promise<void> {
    const { accepted } = this.#total();
    const { waitTimeout = Infinity, metric } = this.#flags;
    if (accepted === 0) return;
    this.#waited = await waitUntilCounted(service, {
      accepted,
      acceptedAt: this.#acceptedAt,
      metric,
      timeoutMs: waitTimeout * 1000,
      stop: this.#stopping.stop.signal,
    });
    console.error(waitedSummary(this.#waited));
    const { rejected, dead, parked, expired, lost } = this.#waited.grown;
    const left = rejected + Math.max(0, dead) + Math.max(0, parked) + expired + lost;
    if (this.#waited.end === 'timed-out' || left > 0) this.#exitCode ||= exitCodes.notCounted;
  }

  #total(): Figures {
    const total = new Figures();
    for (const file of this.#results) addFigures(total, file);
    return total;
  }

  #result() {
    const seconds = (Date.now() - this.#startedAt) / 1000;
    const result = { ...this.#total(), seconds, exitCode: this.#exitCode, files: this.#results };
    return this.#waited ? { ...result, waited: this.#waited } : result;
  }
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
