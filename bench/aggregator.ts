// How close is the aggregator to the floor? Its processor time beside base64 and JSON.parse alone, and beside Powertools' batch processor.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { bundle, writeBundle } from '../lib/bundle.ts';
import type { LoadShape } from './aggregator/load.ts';
import type { Found, Task } from './aggregator/process.ts';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '7' },
    events: { type: 'string', default: '6900' },
    ids: { type: 'string', default: '600000' },
    sample: { type: 'string', default: '13800' },
    only: { type: 'string', default: '' },
  },
});
const [rounds, events, ids, sampleEvents] = [
  Number(values.rounds),
  Number(values.events),
  Number(values.ids),
  Number(values.sample),
];

// 6 MB hold about 6,900 records of 200 bytes; of the higgs events such a batch has 0.27 entities an event.
const USUAL: LoadShape = {
  ...{ label: 'usual', events, perRecord: 1, ids, entities: Math.ceil(events * 0.277), at: 'iso' },
};
const SHAPES: readonly LoadShape[] = [
  USUAL,
  { ...USUAL, label: 'batch of a 69th', events: Math.ceil(events / 69) },
  { ...USUAL, label: 'batch of about a 7th', events: Math.ceil(events / 6.9) },
  { ...USUAL, label: 'no ids in the window', ids: 0 },
  { ...USUAL, label: 'a tenth of the ids', ids: Math.ceil(ids / 10) },
  { ...USUAL, label: 'as many ids as are kept', ids: Math.ceil((ids * 20) / 3) },
  { ...USUAL, label: 'one entity', entities: 1 },
  { ...USUAL, label: '1,000 entities', entities: 1_000 },
  { ...USUAL, label: '100,000 entities', entities: 100_000 },
  { ...USUAL, label: '10 events a record', perRecord: 10 },
  { ...USUAL, label: '50 events a record', perRecord: 50 },
  { ...USUAL, label: 'times in milliseconds', at: 'epoch' },
  { ...USUAL, label: 'without times', at: 'none' },
];

/** A heap that fits a function of 256 MB: with more room, Node collects garbage later, and nothing would be said of need. */
const HEAP_OF_256_MB = ['--max-semi-space-size=12', '--max-old-space-size=231'];

const folder = mkdtempSync(join(tmpdir(), 'tally-aggregator-'));

/** Measures in a process of its own. @throws Error when anything was counted wrong */
async function measured(shape: LoadShape, what: Task['what']): Promise<Found> {
  process.stderr.write(`${what}: ${shape.label}\n`);
  const child = fork(join(folder, 'index.mjs'), {
    // Functions write metrics.
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    execArgv: what === 'memory' ? HEAP_OF_256_MB : ['--expose-gc'],
    env: {},
  });
  const found = new Promise<Found>((resolve, reject) => {
    child.once('message', resolve);
    child.once('exit', (code) => reject(new Error(`"${shape.label}" ended with ${code}`)));
  });
  child.send({ shape, rounds, sampleEvents, what } satisfies Task);
  const answer = await found;
  if (child.exitCode === null) await once(child, 'exit');
  return answer;
}

function median(figures: readonly number[]): number {
  const sorted = figures.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

const spread = (figures: readonly number[], digits: number) =>
  `${median(figures).toFixed(digits)} (${Math.min(...figures).toFixed(digits)}–${Math.max(...figures).toFixed(digits)})`;

/** Ratios of figures of the same rounds: what else the machine did in a round is in both. */
function ratios({ micros }: Found, name: string, to: string): number[] {
  const under = micros[to] ?? [];
  return (micros[name] ?? []).map((each, round) => each / (under[round] ?? Number.NaN));
}

const count = (number: number) => number.toLocaleString('en-GB');

function pathRow(
  { label, events: batch, perRecord, ids: inWindow, entities }: LoadShape,
  found: Found,
): string {
  const { micros, rowsAnEvent } = found;
  const cells = [
    ...[label, count(batch), count(perRecord), count(inWindow), count(entities), rowsAnEvent.toFixed(2)],
    spread(micros['floor'] ?? [], 2),
    ...[median(micros['core'] ?? []).toFixed(2), spread(ratios(found, 'core', 'floor'), 2)],
    ...[median(micros['handler'] ?? []).toFixed(2), spread(ratios(found, 'handler', 'floor'), 2)],
    ...[median(micros['Powertools'] ?? []).toFixed(1), spread(ratios(found, 'Powertools', 'core'), 1)],
  ];
  return `| ${cells.join(' | ')} |`;
}

function partRow(found: Found, name: string): string {
  const cells = [name, spread(found.micros[name] ?? [], 3), median(ratios(found, name, 'floor')).toFixed(2)];
  return `| ${cells.join(' | ')} |`;
}

try {
  const [loadAtStart] = loadavg();
  writeBundle(bundle('bench/aggregator/process.ts'), folder);
  const chosen = SHAPES.filter(({ label }) => label.includes(values.only));
  const found: [LoadShape, Found][] = [];
  for (const shape of chosen) found.push([shape, await measured(shape, 'paths')]);
  const parts = await measured(USUAL, 'parts');
  const { memory } = await measured(USUAL, 'memory');
  const idMicros = found.flatMap(([, each]) => each.idMicros);
  const mebibytes = (figure: number) => figure.toFixed(0);
  const usual = found[0]?.[1] ?? parts;
  process.stdout.write(`Method: processor time an event (user and system, all threads of the process), microseconds, median of ${rounds} rounds with the least and
the most. Each row has a process of its own, bundled as Lambda gets it; its rounds run the paths over the same ${count(sampleEvents)} events or so, in turns, after
three to warm up. "Floor" is base64 and JSON.parse of each record; "core" decodes, validates, drops duplicates and rolls up to messages, ids, names and digest;
"handler" is the function with its middleware and the SDK, answered from memory without sockets (the answers' own time taken off); "Powertools" its batch
processor with a zod schema around a Map, duplicates and all. Ratios are of the same round. Every path's counts were compared with a plain count of the
events as they were made. Records of ${usual.recordBytes} bytes where they have one event. Node ${process.version}, ${availableParallelism()} cores with a load of ${loadAtStart?.toFixed(1)} before this, ${new Date().toISOString().slice(0, 10)}.

| load | events a batch | a record | ids in the window | entities | rows an event | floor, µs | core, µs | × floor | handler, µs | × floor | Powertools, µs | × core |
| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |
${found.map(([shape, each]) => pathRow(shape, each)).join('\n')}

Parts of the usual load, each by itself:

| part | µs an event | × floor |
| --- | --- | --- |
${Object.keys(parts.micros)
  .map((name) => partRow(parts, name))
  .join('\n')}

The handler alone in a heap limited as for a function of 256 MB, with what makes its load, window full: ${mebibytes(memory.rss)} MiB of memory at most (RSS), heap ${mebibytes(memory.heap)} MiB and buffers ${mebibytes(memory.buffers)} MiB at the end.
Reading the window from the ledger: ${idMicros.length === 0 ? '—' : `${spread(idMicros, 2)} µs an id`}.
`);
} finally {
  rmSync(folder, { recursive: true });
}
