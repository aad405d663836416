// `npm run audit`: audits closed hours of a running stack, page by page, and repairs what differs if asked to.
import { parseArgs } from 'node:util';
import cliProgress from 'cli-progress';
import { followAudit, type Report, type Unfinished } from './audit-pages.ts';

const USAGE = `npm run audit -- --url URL --from TIME --to TIME [--source stream|archive] [--repair] [--json]
npm run audit -- --url URL --cursor CURSOR [--repair] [--json]

Holds the counter items of whole, closed hours against what segments emitted, produced again from their records.
  --url      where the stack answers, such as http://127.0.0.1:8787
  --from     first hour, ISO 8601 with a zone (2026-11-22T05:00Z)
  --to       end of the last hour
  --source   where the records are: the stream (if left out), or the archive of raw events, of a stage that has one
  --cursor   goes on with an audit that was interrupted, as it said when it was; for 23 hours
  --repair   rewrite items that differ; what they said before goes to the archive under repairs/
  --json     print the report as JSON
Exit code 0: no difference, or all repaired. 1: differences (with --repair: some that could not be repaired). 2: wrong usage, or
not finished. 3: nothing could be audited. 130: interrupted.`;

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      url: { type: 'string' },
      from: { type: 'string' },
      to: { type: 'string' },
      source: { type: 'string' },
      cursor: { type: 'string' },
      repair: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  const { url, from, to, source, cursor, repair } = values;
  const hours = from !== undefined &&
    to !== undefined && { from, to, ...(source !== undefined && { source }) };
  const query = cursor !== undefined ? { cursor } : hours;
  if (values.help || url === undefined || query === false) {
    console.log(USAGE);
    return values.help ? 0 : 2;
  }
  const progress = new Progress(
    (next) => `npm run audit -- --url ${url} --cursor ${next}${repair ? ' --repair' : ''}`,
    cursor,
  );
  process.once('SIGINT', () => {
    progress.interrupted();
    process.exit(130);
  });
  try {
    const report = await followAudit({ base: url, repair, query }, (page) => progress.show(page));
    progress.end();
    print(report, values.json);
    return exitCode(report, repair);
  } catch (error) {
    progress.interrupted();
    throw error;
  }
}

/** A bar on a terminal, else a line for each phase; on standard error, which is left to people. */
class Progress {
  readonly #command: (cursor: string) => string;
  readonly #bar: cliProgress.SingleBar | undefined;
  #phase = '';
  #next: string | undefined;

  /** @param command how to go on from a cursor @param next the cursor to begin with, if there is one */
  constructor(command: (cursor: string) => string, next: string | undefined) {
    this.#command = command;
    this.#next = next;
    if (!process.stderr.isTTY) return;
    const format =
      '{phase} [{bar}] {percentage}% · {segments} segments · {itemsScanned} items looked through · {items} compared · {differences} differences';
    this.#bar = new cliProgress.SingleBar({ format, hideCursor: true, clearOnComplete: true });
    const figures = { segments: 0, itemsScanned: 0, items: 0, differences: 0 };
    this.#bar.start(100, 0, { phase: 'begin', ...figures });
  }

  show({ next, progress: { share, ...progress } }: Unfinished): void {
    this.#next = next;
    this.#bar?.update(Math.floor((share ?? 0) * 100), progress);
    if (this.#bar === undefined && progress.phase !== this.#phase) console.error(`${progress.phase} …`);
    this.#phase = progress.phase;
  }

  end(): void {
    this.#bar?.stop();
  }

  /** Says how to go on, if anything is done yet. */
  interrupted(): void {
    this.end();
    if (this.#next !== undefined) console.error(`Not finished. Go on with: ${this.#command(this.#next)}`);
  }
}

function exitCode(report: Report, repair: boolean): number {
  if (report.segments === 0 && report.items === 0) {
    console.error(`Nothing was audited: no segment that the ${report.source} holds added to these hours.`);
    return report.itemsDiffering > 0 || report.rawDifferences > 0 ? 1 : 3;
  }
  if (report.notReproducible.length > 0 || report.rawDifferences > 0) return 1;
  return (repair ? report.repaired === report.itemsDiffering : report.itemsDiffering === 0) ? 0 : 1;
}

function print(report: Report, json: boolean): void {
  if (json) {
    console.log(JSON.stringify(report));
    return;
  }
  for (const difference of report.differences) console.log(JSON.stringify(difference));
  for (const segment of report.notReproducible)
    console.log(`segment ${segment} came out differently than the first time`);
  let unaudited = 0;
  for (const { first, last, segments, reason } of report.segmentsUnaudited) {
    unaudited += segments;
    console.log(`${segments} segments from ${first} to ${last} not audited: ${reason}`);
  }
  console.log(
    `${report.segments} segments, ${report.items} counter items with ${report.events} events: ` +
      `${report.differences.length + report.differencesOmitted} differences, ${report.repaired} items repaired, ` +
      `${report.itemsUnaudited} items and ${unaudited} segments not audited` +
      (report.rawDifferences > 0
        ? `, raw records of ${report.rawDifferences} segments missing or changed`
        : ''),
  );
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 2;
}
