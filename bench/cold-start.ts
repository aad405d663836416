// How long is a cold start? Each function's bundle in fresh processes, beside an empty process and one that has the same SDK clients.
import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { gzipSync } from 'node:zlib';
import { type Bundle, bundle, writeBundle } from '../lib/bundle.ts';
import { type BundledFunction, startBundledStack } from './bundled-stack.ts';
import { coldEvents } from './cold-events.ts';
import { type ColdStart, coldStart } from './cold-process.ts';

const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '15' }, only: { type: 'string', default: '' } },
});
const rounds = Number(values.rounds);
/** What the functions' stages have on AWS, and the local one does not need. */
const DEPLOYED = { NODE_OPTIONS: '--enable-source-maps' };

/** What the floor calls of each service, by its client's file, and how. The first that a function has is called. */
const FLOORS: Readonly<Record<string, readonly [factory: string, command: string, call: string]>> = {
  'dynamo-db': [
    'dynamoDb',
    'GetItemCommand',
    "{ TableName: env.LEDGER_TABLE, Key: { pk: { S: '-' }, sk: { S: '-' } } }",
  ],
  kinesis: ['kinesis', 'ListShardsCommand', '{ StreamName: env.STREAM_NAME }'],
  sqs: ['sqs', 'ReceiveMessageCommand', ''],
  s3: ['s3', 'GetObjectCommand', ''],
};
const PACKAGES: Readonly<Record<string, string>> = { 'dynamo-db': 'dynamodb' };

interface Case extends BundledFunction {
  /** The floor's `index.mjs`. */
  readonly floorEntry: string;
  readonly floorClients: readonly string[];
  readonly floorBytes: number;
  readonly whole: ColdStart[];
  readonly floor: ColdStart[];
}

const modules = ({ files }: Bundle, atStart: boolean) =>
  files
    .filter((file) => file.name.endsWith('.mjs') && (file.atStart || !atStart))
    .map(({ contents }) => contents);
const bytesOf = (contents: readonly Uint8Array[]) => contents.reduce((sum, { length }) => sum + length, 0);
const kilobytes = (bytes: number) => (bytes / 1000).toFixed(0);
/** Each file is compressed by itself, as in the archive that Lambda fetches. */
const gzipBytes = (contents: readonly Uint8Array[]) => bytesOf(contents.map((each) => gzipSync(each)));

/** The clients that a bundle has from the start, by the names of their files. */
function clientsOf({ outputs, files }: Bundle): string[] {
  const sources = files.flatMap(({ name, atStart }) =>
    atStart ? Object.keys(outputs[name]?.inputs ?? {}) : [],
  );
  const found = new Set(
    sources.map((path) => /^lambdas\/aws\/clients\/([a-z0-9-]+)\.ts$/.exec(path)?.[1] ?? ''),
  );
  return Object.keys(FLOORS).filter((client) => found.has(client));
}

/** A handler that makes these clients, in the way the functions do, and calls the first one once. */
function floorText(clients: readonly string[]): string {
  const [first = ''] = clients;
  const [, command = '', call = ''] = FLOORS[first] ?? [];
  return [
    `import { ${command} } from '@aws-sdk/client-${PACKAGES[first] ?? first}';`,
    ...clients.map((each) => `import { ${FLOORS[each]?.[0]} } from './lambdas/aws/clients/${each}.ts';`),
    `const { env } = process; const made = [${clients.map((each) => `${FLOORS[each]?.[0]}()`)}];`,
    `export const handler = async () => { await made[0].send(new ${command}(${call})); return made.length; };`,
  ].join('\n');
}

/** The ten packages (or `Tally` itself) with most bytes among what a cold start reads. */
function packagesOf({ outputs, files }: Bundle): string {
  const bytes = new Map<string, number>();
  for (const { name } of files.filter(({ atStart }) => atStart)) {
    for (const [path, { bytesInOutput }] of Object.entries(outputs[name]?.inputs ?? {})) {
      const at = path.lastIndexOf('node_modules/');
      const inside = path.slice(at + 'node_modules/'.length).split('/');
      const owner = at < 0 ? 'Tally' : inside.slice(0, inside[0]?.startsWith('@') ? 2 : 1).join('/');
      bytes.set(owner, (bytes.get(owner) ?? 0) + bytesInOutput);
    }
  }
  const largest = [...bytes].toSorted(([, one], [, other]) => other - one).slice(0, 10);
  return largest.map(([name, size]) => `${name} ${(size / 1000).toFixed(1)}`).join(', ');
}

/** The middle one, and how far they reach. */
function spread(figures: readonly number[]): string {
  const sorted = figures.toSorted((a, b) => a - b);
  const at = (share: number) => (sorted[Math.floor((sorted.length - 1) * share)] ?? NaN).toFixed(0);
  return `${at(0.5)} (${at(0)}–${at(1)})`;
}

function sizeRow({ noun, bundle: made }: Case): string {
  const [start, all] = [modules(made, true), modules(made, false)];
  const sizes = [bytesOf(start), gzipBytes(start), bytesOf(all), gzipBytes(all)].map(kilobytes);
  return `| ${[noun, ...sizes, packagesOf(made)].join(' | ')} |`;
}

function timeRow({ noun, whole, floor, floorClients, floorBytes }: Case): string {
  const init = (of: readonly ColdStart[]) =>
    spread(of.map(({ startedMs, loadedMs }) => loadedMs - startedMs));
  const first = (of: readonly ColdStart[]) =>
    spread(of.map(({ loadedMs, handledMs }) => handledMs - loadedMs));
  const made = `${floorClients.join(', ')} (${kilobytes(floorBytes)} kB)`;
  const sinceStart = spread(whole.map(({ handledMs }) => handledMs));
  return `| ${[noun, init(whole), first(whole), sinceStart, made, init(floor), first(floor)].join(' | ')} |`;
}

const [loadAtStart] = loadavg();
const folder = mkdtempSync(join(tmpdir(), 'tally-floors-'));
const running = await startBundledStack({ schedules: false });
const events = await coldEvents(running);
try {
  const cases = running.functions
    .filter(({ noun }) => noun.includes(values.only))
    .map((each): Case => {
      const floorClients = clientsOf(each.bundle);
      const floor = bundle({ text: floorText(floorClients) });
      writeBundle(floor, join(folder, each.noun));
      const floorEntry = join(folder, each.noun, 'index.mjs');
      const floorBytes = bytesOf(modules(floor, true));
      return { ...each, floorEntry, floorClients, floorBytes, whole: [], floor: [] };
    });
  const emptyMs: number[] = [];
  for (let round = 0; round <= rounds; round += 1) {
    process.stderr.write(round === 0 ? 'warming up\n' : `round ${round} of ${rounds}\n`);
    for (const each of cases) {
      const environment = { ...each.environment(), ...DEPLOYED };
      const event = await events.next(each.noun);
      const nothing = await coldStart(undefined, environment, {});
      const floor = await coldStart(each.floorEntry, environment, {});
      const whole = await coldStart(each.entry, environment, event);
      events.check(each.noun, whole.answer);
      if (round === 0) continue;
      emptyMs.push(nothing.loadedMs);
      each.floor.push(floor);
      each.whole.push(whole);
    }
  }
  process.stdout.write(`Method: each function is bundled as it is deployed, and started in a fresh process that has Lambda's variables, the template's
and nothing else, source maps enabled as on AWS; services are the local stack's emulators, by plain HTTP, for which Node's modules are
loaded beforehand. It loads the bundle and handles one event of its trigger, whose answer is checked. Before it, in every round: a
process that loads nothing, and one with a bundle that makes the clients which the function has from the start and makes one call with
the first (floor). ${rounds} interleaved rounds after one to warm up; medians, with the least and the most. Milliseconds. "init" is what our
modules take to load: what Lambda's init phase has besides Node's own start, which took the empty process ${spread(emptyMs)}.
"since start" has that, too.
Node ${process.version}, ${availableParallelism()} cores with a load of ${loadAtStart?.toFixed(1)} before this, ${new Date().toISOString().slice(0, 10)}.

| function | at start, kB | gzip, kB | with what is loaded on demand, kB | gzip, kB | of what is read at start, kB: the ten largest packages |
| --- | --- | --- | --- | --- | --- |
${cases.map(sizeRow).join('\n')}

| function | init | first event | since start | floor | its init | its first call |
| --- | --- | --- | --- | --- | --- | --- |
${cases.map(timeRow).join('\n')}
`);
} finally {
  events.stop();
  await running.stack.stop();
  rmSync(folder, { recursive: true });
}
