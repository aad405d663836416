// `npm run import`: the shell around importing files; it alone knows the clock, randomness, signals and the environment.

import { setTimeout as delay } from 'node:timers/promises';
import { waitMs } from './backoff.ts';
import { exitCodeOf, exitCodes, messageOf, UsageError } from './errors.ts';
import { addFigures, type Figures, noFigures } from './figures.ts';
import { httpClient, RequestFailed } from './http-client.ts';
import { importFile } from './import-file.ts';
import { type ImportOptions, importOptions } from './options.ts';
import { type RejectsFile, rejectsFile } from './rejects.ts';
import { FileReporter, summary, uncertainAdvice, waitedSummary } from './report.ts';
import { openSource } from './source.ts';
import type { ImportState } from './state.ts';
import { type Accounts, readAccounts, type Waited, waitUntilCounted } from './status.ts';
import { importUsage } from './usage.ts';

/** How long requests under way may take to end after Ctrl-C. */
const graceMs = 2000;
const pollMs = 500;

interface FileResult extends Figures {
  readonly file: string;
  readonly format: string | undefined;
}

class Session {
  readonly #options: ImportOptions;
  readonly #stop = new AbortController();
  readonly #kill = new AbortController();
  readonly #client: ReturnType<typeof httpClient>;
  readonly #files: FileResult[] = [];
  readonly #startedAt = Date.now();
  #exitCode: number = exitCodes.ok;
  #waited: Waited | undefined;

  constructor(options: ImportOptions) {
    const { delivery, concurrency, target } = options.settings;
    this.#options = options;
    this.#client = httpClient({
      url: target.url || 'http://localhost',
      apiKey: options.apiKey,
      timeoutMs: delivery.timeoutMs,
      connectionsMax: concurrency,
    });
  }

  async run(): Promise<number> {
    const release = this.#catchSignals();
    try {
      await this.#importAll();
    } catch (error) {
      this.#exitCode ||= exitCodeOf(error);
      say(messageOf(error));
    } finally {
      release();
      this.#client.close();
    }
    this.#print();
    return this.#exitCode;
  }

  async #importAll(): Promise<void> {
    const { files, rejects, wait, settings } = this.#options;
    // Look at all files first: a wrong name should not show after an hour.
    const sources = await Promise.all(files.map(openSource));
    const before = wait && !settings.dryRun ? await this.#accountsBefore() : undefined;
    const rejectsTo = rejects === undefined ? undefined : await rejectsFile(rejects);
    try {
      for (const source of sources) {
        if (this.#stop.signal.aborted) break;
        await this.#importOne(source, rejectsTo);
      }
    } finally {
      await rejectsTo?.close();
    }
    if (before && !this.#stop.signal.aborted) await this.#wait(before);
  }

  async #importOne(
    source: Awaited<ReturnType<typeof openSource>>,
    rejectsTo: RejectsFile | undefined,
  ): Promise<void> {
    const { settings } = this.#options;
    const figures = noFigures();
    const reporter = new FileReporter(source, rejectsTo, Date.now);
    let format: string | undefined;
    try {
      const result = await importFile(source, settings, this.#ports(reporter), reporter, figures);
      format = result.plan.format;
      if (figures.already > 0 && figures.sent + figures.unsent + figures.uncertain === 0)
        await this.#hintAtForget(reporter, result.before);
    } finally {
      reporter.end();
      this.#files.push({ file: source.name, format, ...figures });
    }
    if (!this.#options.json)
      process.stdout.write(`${summary(source.name, format, figures, settings.dryRun)}\n`);
    if (figures.uncertain > 0) {
      this.#exitCode ||= exitCodes.uncertain;
      say(uncertainAdvice(figures.uncertain));
    }
  }

  #ports(reporter: FileReporter) {
    return {
      client: this.#client,
      now: Date.now,
      random: Math.random,
      sleep,
      stop: this.#stop.signal,
      kill: this.#kill.signal,
      trouble: (reason: string) => reporter.trouble(reason),
    };
  }

  /** A service that was emptied looks to the state as if it still had everything. */
  async #hintAtForget(reporter: FileReporter, { accepted, acceptedAt }: ImportState): Promise<void> {
    const { url } = this.#options.settings.target;
    const on = acceptedAt === undefined ? '' : ` on ${new Date(acceptedAt).toISOString().slice(0, 16)}Z`;
    reporter.note(`everything was imported into ${url} before${on}; nothing was sent`);
    const accounts = await readAccounts(this.#client).catch(() => undefined);
    if (!accounts || accounts.received >= accepted) return;
    reporter.note(
      `but the service has received only ${accounts.received} events in all, and this file alone had ${accepted}: ` +
        'if it was emptied since, --forget imports everything anew',
    );
  }

  /** What the service has before anything is sent; waits for it to be there, as sending does. */
  async #accountsBefore(): Promise<Accounts | undefined> {
    const { backoff, giveUpAfterMs } = this.#options.settings.delivery;
    for (let attempt = 1; !this.#stop.signal.aborted; attempt += 1) {
      try {
        return await readAccounts(this.#client);
      } catch (error) {
        const gaveUp = giveUpAfterMs !== undefined && Date.now() - this.#startedAt >= giveUpAfterMs;
        if (!(error instanceof RequestFailed) || gaveUp) throw error;
        if (attempt === 3) say(`the service is not there yet, trying on: ${error.message}`);
        await sleep(waitMs(backoff, attempt, Math.random()), this.#stop.signal);
      }
    }
    return undefined;
  }

  async #wait(before: Accounts): Promise<void> {
    const accepted = this.#files.reduce((sum, file) => sum + file.accepted, 0);
    const { waitTimeoutMs: timeoutMs } = this.#options;
    const settings = { before, accepted, pollMs, timeoutMs };
    const ports = { client: this.#client, now: Date.now, sleep, stop: this.#stop.signal };
    const waited = await waitUntilCounted(settings, ports);
    this.#waited = waited;
    say(waitedSummary(waited));
    const { rejected, dead, parked, expired, lost } = waited.grown;
    if (waited.end === 'timed-out' || rejected + Math.max(0, dead) + parked + expired + lost > 0) {
      this.#exitCode ||= exitCodes.notCounted;
    }
  }

  #catchSignals(): () => void {
    const catcher = (code: number) => () => {
      if (this.#stop.signal.aborted) this.#kill.abort();
      this.#exitCode = code;
      this.#stop.abort();
      say('stopping; the state is kept, the same command goes on from here');
      setTimeout(() => this.#kill.abort(), graceMs).unref();
    };
    const onInterrupt = catcher(exitCodes.interrupted);
    const onTerminate = catcher(exitCodes.terminated);
    process.on('SIGINT', onInterrupt);
    process.on('SIGTERM', onTerminate);
    return () => {
      process.off('SIGINT', onInterrupt);
      process.off('SIGTERM', onTerminate);
    };
  }

  #print(): void {
    if (!this.#options.json) return;
    const total = noFigures();
    for (const { file: _file, format: _format, ...figures } of this.#files) addFigures(total, figures);
    const seconds = (Date.now() - this.#startedAt) / 1000;
    const waited = this.#waited ? { waited: this.#waited } : {};
    const result = { ...total, seconds, exitCode: this.#exitCode, files: this.#files, ...waited };
    process.stdout.write(`${JSON.stringify(result)}\n`);
  }
}

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

async function sleep(ms: number, signal: AbortSignal): Promise<void> {
  // Being woken is no failure; whoever sleeps looks at the signal.
  await delay(ms, undefined, { signal }).catch(() => undefined);
}

async function main(): Promise<number> {
  try {
    const options = importOptions(process.argv.slice(2), process.env);
    if (options === 'help') {
      process.stdout.write(importUsage);
      return exitCodes.ok;
    }
    return await new Session(options).run();
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    say(`${error.message}\nnpm run import -- --help shows the options.`);
    return exitCodes.usage;
  }
}

process.exitCode = await main();
