// The importer's messages: a progress bar on a terminal, notes, and a summary.
import cliProgress from 'cli-progress';
import type { Waited } from '../service.ts';
import type { Source } from '../source/source.ts';
import type { Figures } from './figures.ts';
import type { Reject, Reporter } from './outcomes.ts';
import type { RejectsFile } from './rejects.ts';

/** How many malformed lines to show in a minute. */
const shownMax = 5;
const troubleEveryMs = 10_000;
/** Fewer failures are not reported. */
const quietTroubles = 3;

/** Reports on standard error about a file, or about files that are followed; standard output is for results. */
export class StderrReporter implements Reporter {
  readonly #name: string;
  readonly #rejects: RejectsFile | undefined;
  readonly #source: Source | undefined;
  readonly #bar: cliProgress.SingleBar | undefined;
  readonly #startedAt = Date.now();
  #shown = 0;
  #hidden = 0;
  #sinceMs = 0;
  #troubles = 0;
  #troubleAt = 0;

  /** @param source for a progress bar on a terminal; a followed file has none, since it has no end */
  constructor(name: string, rejects: RejectsFile | undefined, source?: Source) {
    this.#name = name;
    this.#rejects = rejects;
    this.#source = source;
    if (source === undefined || !process.stderr.isTTY) return;
    const format =
      '{file} [{bar}] {percentage}% · {lines} lines · {accepted} accepted · {rate}/s · {trouble}';
    this.#bar = new cliProgress.SingleBar({ format, hideCursor: true, clearOnComplete: true });
    this.#bar.start(source.sizeBytes, 0, { file: name, lines: 0, accepted: 0, rate: 0, trouble: '' });
  }

  note(text: string): void {
    // The bar owns its line of the terminal: make room above it.
    if (this.#bar) process.stderr.write('\r\u001b[K');
    console.error(text);
  }

  trouble(reason: string): void {
    this.#troubles += 1;
    this.#bar?.update({ trouble: `waiting: ${reason}` });
    const dueAt = this.#troubleAt + troubleEveryMs;
    if (this.#bar || this.#troubles < quietTroubles || Date.now() < dueAt) return;
    this.#troubleAt = Date.now();
    this.note(`the service does not accept events at the moment, trying again: ${reason}`);
  }

  async rejected(reject: Reject): Promise<void> {
    const { lineNumber, kind, reason, raw } = reject;
    if (Date.now() - this.#sinceMs > 60_000) {
      this.#noteHidden();
      [this.#shown, this.#sinceMs] = [0, Date.now()];
    }
    this.#shown += 1;
    if (this.#shown > shownMax) this.#hidden += 1;
    else this.note(`${this.#name}:${lineNumber}: ${kind}: ${reason}: ${excerpt(raw)}`);
    await this.#rejects?.write(this.#name, reject);
  }

  progress(figures: Readonly<Figures>): void {
    const seconds = Math.max(0.001, (Date.now() - this.#startedAt) / 1000);
    const { lines, accepted } = figures;
    const rate = Math.round(accepted / seconds);
    this.#bar?.update(this.#source?.bytesRead() ?? 0, { lines, accepted, rate, trouble: '' });
  }

  end(): void {
    this.#bar?.stop();
    this.#noteHidden();
  }

  #noteHidden(): void {
    if (this.#hidden > 0)
      this.note(`… and ${this.#hidden} more${this.#rejects ? '' : ' (--rejects FILE writes them all)'}`);
    this.#hidden = 0;
  }
}

function excerpt(raw: Buffer | string): string {
  const text = (typeof raw === 'string' ? raw : raw.toString('utf8')).slice(0, 200);
  // A log's content must not control the terminal.
  return text.replace(/\p{Cc}/gu, '\ufffd');
}

/** Those of the counts that are not zero, in words. */
function named(counts: readonly (readonly [n: number, what: string])[]): string[] {
  return counts.filter(([n]) => n > 0).map(([n, what]) => `${n} ${what}`);
}

export function summary(name: string, format: string | undefined, figures: Figures, dryRun: boolean): string {
  if (format === undefined) return `${name}: nothing in it`;
  const parts = named([
    [figures.ignored, 'headers, comments and blank lines'],
    [figures.malformed, 'malformed'],
    [figures.skipped, 'skipped by the filter'],
    [figures.rejected, 'rejected'],
    [figures.already, 'imported earlier'],
    [figures.abandoned, 'given up as uncertain'],
    [figures.uncertain, 'uncertain'],
    [figures.unsent, dryRun ? 'events' : 'not sent'],
  ]);
  if (!dryRun) parts.unshift(`${figures.accepted} accepted`);
  const text = `${name} (${format}): ${figures.lines} lines: ${parts.join(', ')}`;
  if (figures.repeated === 0) return text;
  return `${text}; ${figures.repeated} were sent again and may be counted twice`;
}

export function uncertainAdvice(count: number): string {
  return (
    `${count} events are uncertain: they were sent, no answer came, and by now the service would not recognise them if ` +
    'they came again. They have been left as they are. Decide and run the same command again with ' +
    `--resume-uncertain send (if they were stored, ${count} are counted twice) or --resume-uncertain skip (if they were not, ` +
    `${count} are missing). Where this import is the metric's only source, tally verify tells which it is.`
  );
}

const ENDS = {
  counted: 'Everything is counted',
  'timed-out': 'Not everything is counted yet',
  stopped: 'Stopped waiting',
} as const;

export function waitedSummary({ end, grown, missing }: Waited): string {
  const parts = [
    `${grown.counted} counted`,
    `${grown.duplicate} duplicate`,
    ...named([
      [grown.rejected, 'rejected by the service'],
      [grown.dead, 'dead'],
      [grown.parked, 'parked'],
      [grown.expired, 'expired'],
      [grown.lost, 'lost'],
    ]),
  ];
  const why = missing === undefined ? '' : ` (${missing})`;
  return `${ENDS[end]}${why}: since the start the service received ${grown.received}: ${parts.join(', ')}.`;
}
