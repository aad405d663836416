// `tally import`: imports log files into a running Tally, every line exactly once. Only this file uses the clock, signals and the environment.
import { Command, InvalidArgumentError, Option } from 'commander';
import {
  addDeliveryOptions,
  type DeliveryFlags,
  deliverySettings,
  seconds,
} from './import/delivery-options.ts';
import { addFigures, Figures } from './import/figures.ts';
import { importFile } from './import/import-file.ts';
import { type RejectsFile, rejectsFile } from './import/rejects.ts';
import { StderrReporter, summary, uncertainAdvice, waitedSummary } from './import/report.ts';
import { callersPath } from './paths.ts';
import { connect, type Service, type ServiceOptions, type Waited, waitUntilCounted } from './service.ts';
import { exitCodeOf, exitCodes, messageOf, UsageError } from './shared/errors.ts';
import { formatRequest } from './shared/format-options.ts';
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
  new Command('import')
    .description(
      'Import log files, every line exactly once; run it again to continue, or after the files have grown.',
    )
    .argument('<file...>', 'plain or gzip'),
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
  .addHelpText(
    'after',
    `
Examples:
  npx tally import access.log.1.gz access.log --url http://127.0.0.1:8787 --wait
  npx tally import clicks.jsonl --entity g --time t --url http://127.0.0.1:8787
  npx tally import presses.csv --entity css --time "press time" --url http://127.0.0.1:8787
  npx tally import a.log --log-format '$remote_addr [$time_local] "$request" $status' --where status=2xx

Exit codes: 0 imported; 1 failed on the way, or too many malformed lines; 2 wrong usage or state, nothing sent;
3 uncertain requests wait for --resume-uncertain; 4 --wait: not everything is counted; 130 interrupted.`,
  )
  .action(async (files: string[], flags: ImportFlags) => {
    process.exitCode = await new Session(files, flags).run();
  });

class Session {
  readonly #files: readonly string[];
  readonly #flags: ImportFlags;
  readonly #stopping = stopOnSignals(GRACE_MS, (signal) => {
    this.#exitCode = signal === 'SIGINT' ? exitCodes.interrupted : exitCodes.terminated;
    say('stopping: the same command continues from here');
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
    this.#print();
    return this.#exitCode;
  }

  #fail(error: unknown): void {
    this.#exitCode ||= exitCodeOf(error);
    say(messageOf(error));
  }

  async #importAll(): Promise<void> {
    const { rejects, wait, dryRun = false } = this.#flags;
    if (this.#files.includes('-')) {
      throw new UsageError(
        'standard input cannot be imported, because it cannot be read again: use tally follow --stdin',
      );
    }
    const { timeout, concurrency } = this.#flags;
    const options = dryRun ? undefined : serviceOptions(this.#flags, timeout, concurrency);
    formatRequest(this.#flags);
    // Open all files first: a wrong name should not show up after an hour.
    const sources = await this.#sources();
    const service = options && sources.length > 0 ? await this.#connect(options) : undefined;
    if (!dryRun && service === undefined) return;
    const rejectsTo = rejects === undefined ? undefined : await rejectsFile(callersPath(rejects));
    try {
      for (const source of sources) {
        if (this.#stopping.stop.signal.aborted) break;
        // An unusable file does not stop the others; a service that refuses does.
        await this.#importOne(source, service, rejectsTo).catch((error: unknown) => {
          if (exitCodeOf(error) !== exitCodes.usage && sources.length > 1) this.#stopping.stop.abort();
          this.#fail(error);
        });
      }
    } finally {
      await rejectsTo?.close();
    }
    if (wait && service && !this.#stopping.stop.signal.aborted) await this.#wait(service);
  }

  async #sources(): Promise<Source[]> {
    const opened = await Promise.allSettled(this.#files.map(openSource));
    return opened.flatMap((one) => {
      if (one.status === 'fulfilled') return [one.value];
      this.#fail(one.reason);
      return [];
    });
  }

  #connect(options: ServiceOptions): Promise<Service | undefined> {
    const { giveUpAfter } = this.#flags;
    const giveUpAfterMs = giveUpAfter === undefined ? undefined : giveUpAfter * 1000;
    return connect(options, { say, stop: this.#stopping.stop.signal, giveUpAfterMs });
  }

  async #importOne(
    source: Source,
    service: Service | undefined,
    rejectsTo: RejectsFile | undefined,
  ): Promise<void> {
    const { forget = false, dryRun = false, json } = this.#flags;
    const settings = { ...deliverySettings(this.#flags, service?.id ?? ''), forget, dryRun };
    const figures = new Figures();
    const reporter = new StderrReporter(source.name, rejectsTo, Date.now, source);
    const requestsBefore = service?.client.stats().requests ?? 0;
    let format: string | undefined;
    try {
      const ports = {
        sender: service?.client ?? { sendBatch: () => Promise.reject(new Error('a dry run sends nothing')) },
        now: Date.now,
        stop: this.#stopping.stop.signal,
        kill: this.#stopping.kill.signal,
        trouble: (reason: string) => reporter.trouble(reason),
      };
      const result = await importFile(source, settings, ports, reporter, figures);
      format = result.plan?.format;
      const nothingNew = figures.already > 0 && figures.accepted + figures.unsent + figures.uncertain === 0;
      if (nothingNew && service && result.before) this.#hintAtForget(reporter, service, result.before);
    } finally {
      reporter.end();
      figures.requests = (service?.client.stats().requests ?? 0) - requestsBefore;
      if (figures.accepted > 0) this.#acceptedAt = Date.now();
      this.#results.push({ file: source.name, format, ...figures });
    }
    if (!json) process.stdout.write(`${summary(source.name, format, figures, dryRun)}\n`);
    this.#judge(source.name, figures);
  }

  #judge(name: string, figures: Figures): void {
    const { uncertain, malformed, lines, ignored } = figures;
    if (uncertain > 0) {
      this.#exitCode ||= exitCodes.uncertain;
      say(uncertainAdvice(uncertain));
    }
    const { maxMalformed } = this.#flags;
    const share = (100 * malformed) / Math.max(1, lines - ignored);
    if (share <= maxMalformed) return;
    this.#exitCode ||= exitCodes.failed;
    say(
      `${name}: ${malformed} of ${lines - ignored} lines are malformed (${share.toFixed(0)} %, --max-malformed is ${maxMalformed}): ` +
        'is it read as the right format? What could be read is imported.',
    );
  }

  /** After a service was emptied, the state still says that everything was imported. */
  #hintAtForget(reporter: StderrReporter, service: Service, { accepted, acceptedAt }: ImportState): void {
    const on = acceptedAt === undefined ? '' : ` on ${new Date(acceptedAt).toISOString().slice(0, 16)}Z`;
    reporter.note(`everything was imported into this service before${on}: nothing was sent`);
    const { received } = service.before;
    if (received >= accepted) return;
    reporter.note(
      `but the service has received only ${received} events in all, and this file alone had ${accepted}: ` +
        'if it was emptied since, --forget imports everything again',
    );
  }

  async #wait(service: Service): Promise<void> {
    const accepted = this.#results.reduce((sum, file) => sum + file.accepted, 0);
    const { waitTimeout, metric } = this.#flags;
    const timeoutMs = waitTimeout === undefined ? undefined : waitTimeout * 1000;
    if (accepted === 0) return;
    const settings = {
      accepted,
      acceptedAt: this.#acceptedAt,
      metric,
      timeoutMs,
      stop: this.#stopping.stop.signal,
    };
    const waited = await waitUntilCounted(service, settings);
    this.#waited = waited;
    say(waitedSummary(waited));
    const { rejected, dead, parked, expired, lost } = waited.grown;
    const left = rejected + Math.max(0, dead) + Math.max(0, parked) + expired + lost;
    if (waited.end === 'timed-out' || left > 0) this.#exitCode ||= exitCodes.notCounted;
  }

  #print(): void {
    if (!this.#flags.json) return;
    const total = new Figures();
    for (const file of this.#results) addFigures(total, file);
    const seconds = (Date.now() - this.#startedAt) / 1000;
    const waited = this.#waited ? { waited: this.#waited } : {};
    const result = { ...total, seconds, exitCode: this.#exitCode, files: this.#results, ...waited };
    process.stdout.write(`${JSON.stringify(result)}\n`);
  }
}

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}
