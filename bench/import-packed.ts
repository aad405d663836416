// What packing saves: the same log imported alone and packed, side by side, into one local stack.
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { availableParallelism, loadavg, tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import { startLocalStack } from '../local/stack.ts';

const { values } = parseArgs({
  options: {
    // A file of its own name as it is read; where there is none, a log of so many lines is made.
    file: { type: 'string', default: '../shared/data/elastic-examples_nginx_logs.log.gz' },
    events: { type: 'string', default: '20000' },
    rounds: { type: 'string', default: '2' },
  },
});
/** Access logs have few lines that are views. */
const EVERY_LINE = ['--method', 'any', '--status', 'any'];
const WAYS = { alone: ['--alone'], packed: [] } as const;
type Way = keyof typeof WAYS;

/** One import. Milliseconds; processor time of the stack and its emulators, without the importer's own. */
interface Measured {
  readonly takenMs: number;
  readonly countedMs: number;
  readonly cpuMs: number;
  readonly requests: number;
  readonly records: number;
  readonly segments: number;
  readonly events: number;
}

const run = promisify(execFile);
const IMPORTER = fileURLToPath(new URL('../importer/main.ts', import.meta.url));
const folder = await mkdtemp(join(tmpdir(), 'tally-bench-import-'));
const stack = await startLocalStack({ schedules: false });
let records = 0;
stack.setServiceFault(({ action, body }) => {
  if (action === 'PutRecords') records += body.split('"PartitionKey"').length - 1;
  return undefined;
});
try {
  const file = await fileToRead();
  console.log(`Method: the local stack of \`npm start\` in memory, ${availableParallelism()} cores, Node ${process.version}, and \`npm run import -- ${basename(file)} ${EVERY_LINE.join(' ')}\` as a
process beside it, once with --alone (a record of each event, 500 events a request) and once packed (16 buckets, 2,000 events a request), in turn, under a metric of its own
each time. "taken" is until the last 202, "counted" until nothing is in flight; processor time is the stack's with its emulators. ${values.rounds} rounds after one to warm up;
medians, with the least and the most. Load of the machine: ${loadavg()[0]?.toFixed(1)}.\n`);
  const found: Record<Way, Measured[]> = { alone: [], packed: [] };
  for (let round = 0; round <= Number(values.rounds); round += 1) {
    for (const way of round % 2 === 0 ? (['alone', 'packed'] as const) : (['packed', 'alone'] as const)) {
      const measured = await measure(file, way, `${way}-${round}`);
      if (round > 0) found[way].push(measured);
    }
  }
  check(found);
  console.log(table(found));
} finally {
  await stack.stop();
  await rm(folder, { recursive: true });
}

async function measure(file: string, way: Way, metric: string): Promise<Measured> {
  const before = await stack.status();
  const [recordsBefore, segmentsBefore] = [records, await segmentsNow()];
  const cpu = process.cpuUsage();
  const startMs = performance.now();
  const args = [
    file,
    '--url',
    stack.url,
    '--metric',
    metric,
    '--state',
    join(folder, metric),
    '--json',
    ...EVERY_LINE,
  ];
  const { stdout } = await run(process.execPath, [IMPORTER, ...args, ...WAYS[way]]);
  const takenMs = performance.now() - startMs;
  const { accepted, requests } = JSON.parse(stdout) as { accepted: number; requests: number };
  for (;;) {
    const { received, inFlight } = await stack.status();
    if (received >= before.received + accepted && inFlight === 0) break;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const countedMs = performance.now() - startMs;
  const { user, system } = process.cpuUsage(cpu);
  const after = await stack.status();
  if (after.counted - before.counted !== accepted || after.duplicate !== before.duplicate)
    throw new Error(`${metric}: ${after.counted - before.counted} counted of ${accepted}`);
  return {
    takenMs,
    countedMs,
    cpuMs: (user + system) / 1000,
    requests,
    records: records - recordsBefore,
    segments: (await segmentsNow()) - segmentsBefore,
    events: accepted,
  };
}

/** How many segments all shards have. */
async function segmentsNow(): Promise<number> {
  const answer = await fetch(`${stack.url}/v1/status`);
  const { shards } = (await answer.json()) as { shards: { segment: number }[] };
  return shards.reduce((sum, { segment }) => sum + segment, 0);
}

/** @throws Error where a figure can not be right */
function check({ alone, packed }: Record<Way, Measured[]>): void {
  const events = new Set([...alone, ...packed].map((one) => one.events));
  if (events.size !== 1 || events.has(0)) throw new Error(`not the same events every time: ${[...events]}`);
  if (alone.some((one) => one.records !== one.events)) throw new Error('alone, each event is a record');
  if (packed.some((one) => one.records >= one.events)) throw new Error('packed, a record has several events');
}

function table(found: Record<Way, Measured[]>): string {
  const events = found.alone[0]?.events ?? 0;
  const rows: readonly (readonly [string, (one: Measured) => number])[] = [
    ['requests', (one) => one.requests],
    ['records', (one) => one.records],
    ['events a record', (one) => one.events / one.records],
    ['segments', (one) => one.segments],
    ['seconds until taken', (one) => one.takenMs / 1000],
    ['events/s taken', (one) => (one.events / one.takenMs) * 1000],
    ['seconds until counted', (one) => one.countedMs / 1000],
    ['events/s counted', (one) => (one.events / one.countedMs) * 1000],
    ['processor time of the stack, µs an event', (one) => (one.cpuMs / one.events) * 1000],
  ];
  const lines = rows.map(
    ([name, of]) => `| ${name} | ${spread(found.alone.map(of))} | ${spread(found.packed.map(of))} |`,
  );
  return [`| ${events.toLocaleString('en')} events | alone | packed |`, '| --- | --- | --- |', ...lines].join(
    '\n',
  );
}

/** The median, and the least and the most where they differ. */
function spread(figures: readonly number[]): string {
  const sorted = figures.toSorted((a, b) => a - b);
  const [median, least, most] = [sorted[sorted.length >> 1], sorted[0], sorted.at(-1)].map((one) =>
    shown(one ?? 0),
  );
  return least === most ? `${median}` : `${median} (${least}–${most})`;
}

function shown(value: number): string {
  return Number.isInteger(value) || value >= 100 ? value.toFixed(0) : value.toPrecision(3);
}

async function fileToRead(): Promise<string> {
  if (existsSync(values.file)) return values.file;
  console.log(`There is no ${values.file}: a log is made instead.`);
  const path = join(folder, 'made.log');
  const lines = Array.from({ length: Number(values.events) }, (_, index) => {
    const time = new Date(Date.UTC(2026, 0, 1, 9) + index * 100).toISOString().slice(11, 19);
    return `10.0.0.1 - - [01/Jan/2026:${time} +0000] "GET /page/${(index * index) % 997} HTTP/1.1" 200 12 "-" "-"\n`;
  });
  await writeFile(path, lines.join(''));
  return path;
}
