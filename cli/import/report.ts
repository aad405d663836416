// The importer's messages: a progress bar on a terminal, notes, and a summary.
import cliProgress from 'cli-progress';
import type { Waited } from '../service.ts';
import type { Source } from '../source/source.ts';
import type { Figures, Reporter } from './figures.ts';
import type { RejectsFile } from './rejects.ts';

/** How many malformed lines to show in a minute. */
const SHOWN_MAX = 5;
const TROUBLE_EVERY_MS = 10_000;
/** Fewer failures are not reported. */
const QUIET_TROUBLES = 3;

/**
 * Reports on standard error about a file, or about files that are followed; standard output is for results.
 * @param source for a progress bar on a terminal; a followed file has none, since it has no end
 */
export function stderrReporter(
  name: string,
  rejects: RejectsFile | undefined,
  source?: Source,
): Reporter & { end(): void } {
  const startedAt = Date.now();
  const bar = source && process.stderr.isTTY ? barFor(name, source) : undefined;
  let shown = 0;
  let hidden = 0;
  let shownSince = 0;
  let troubles = 0;
  let troubleAt = 0;

  function note(text: string): void {
    // The bar owns its line of the terminal: make room above it.
    if (bar) process.stderr.write('\r\u001b[K');
    console.error(text);
  }

  function noteHidden(): void {
    if (hidden > 0) note(`… and ${hidden} more${rejects ? '' : ' (--rejects FILE writes them all)'}`);
    hidden = 0;
  }

  return {
    note,
    trouble(reason) {
      troubles += 1;
      bar?.update({ trouble: `waiting: ${reason}` });
      if (bar || troubles < QUIET_TROUBLES || Date.now() < troubleAt + TROUBLE_EVERY_MS) return;
      troubleAt = Date.now();
      note(`the service does not accept events at the moment, trying again: ${reason}`);
    },
    async rejected(reject) {
      const { lineNumber, kind, reason, raw } = reject;
      if (Date.now() - shownSince > 60_000) {
        noteHidden();
        [shown, shownSince] = [0, Date.now()];
      }
      shown += 1;
      if (shown > SHOWN_MAX) hidden += 1;
      else note(`${name}:${lineNumber}: ${kind}: ${reason}: ${excerpt(raw)}`);
      await rejects?.write(name, reject);
    },
    progress({ lines, accepted }) {
      const seconds = Math.max(0.001, (Date.now() - startedAt) / 1000);
      const rate = Math.round(accepted / seconds);
      bar?.update(source?.bytesRead() ?? 0, { lines, accepted, rate, trouble: '' });
    },
    end() {
      bar?.stop();
      noteHidden();
    },
  };
}

function barFor(file: string, { stats }: Source): cliProgress.SingleBar {
  const format = '{file} [{bar}] {percentage}% · {lines} lines · {accepted} accepted · {rate}/s · {trouble}';
  const bar = new cliProgress.SingleBar({ format, hideCursor: true, clearOnComplete: true });
  bar.start(stats.size, 0, { file, lines: 0, accepted: 0, rate: 0, trouble: '' });
  return bar;
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
