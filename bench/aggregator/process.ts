// A process that measures one row of the table: fresh, so that neither its memory nor its compiled code is another row's.

import { DedupWindows } from '../../lambdas/aggregator/windows.ts';
import { dynamoDb } from '../../lambdas/aws/clients/dynamo-db.ts';
import { entryItem, headItem } from '../../lambdas/aws/ledger-items.ts';
import { LedgerTable } from '../../lambdas/aws/ledger-table.ts';
import { systemClock } from '../../lambdas/aws/telemetry.ts';
import { noAccounts } from '../../lambdas/counting/accounts.ts';
import { parseSequenceNumber, parseShardId, shardKey } from '../../lambdas/counting/identifiers.ts';
import type { Head } from '../../lambdas/counting/segment.ts';
import { lostEntry } from '../../lambdas/counting/segment-entry.ts';
import { Load, type LoadedBatch, type LoadShape, SHARD, START_MS } from './load.ts';
import { measureParts } from './parts.ts';
import { type CoreResult, core, floor, handler, type Path, powertools } from './paths.ts';
import { type AnsweredServices, answerServices, type JsonItem } from './services.ts';
import { type FullWindow, fullWindow, rollupConfig } from './window.ts';

/** What to measure. */
export interface Task {
  readonly shape: LoadShape;
  readonly rounds: number;
  /** Events that are measured at a time, about: with few, the clock's own steps and the garbage collector's show. */
  readonly sampleEvents: number;
  /** What is run: the table's four paths in turns, the core part by part, or the handler alone for its memory. */
  readonly what: 'paths' | 'parts' | 'memory';
}

/** What a process found. */
export interface Found {
  /** By path or part: microseconds of processor time an event, of each round. */
  readonly micros: Readonly<Record<string, readonly number[]>>;
  /** What taking an id up from the ledger took, microseconds of each try; none without ids. */
  readonly idMicros: readonly number[];
  /** Mebibytes. */
  readonly memory: { readonly rss: number; readonly heap: number; readonly buffers: number };
  /** Rollup rows an event of the last batch. */
  readonly rowsAnEvent: number;
  readonly recordBytes: number;
}

const WARM_UP_ROUNDS = 3;

process.once('message', async (task: Task) => {
  try {
    process.send?.(await measure(task));
  } catch (error) {
    process.stderr.write(`${task.shape.label}: ${error instanceof Error ? error.stack : error}\n`);
    process.exitCode = 1;
  }
  process.disconnect();
});

async function measure({ shape, rounds, sampleEvents, what }: Task): Promise<Found> {
  const services = answerServices();
  const window = fullWindow(shape);
  hold(window, services);
  const handled = await handler(services, window);
  const idMicros = what === 'paths' && shape.ids > 0 ? await loadWindow(window, services) : [];
  const ofCore = what === 'memory' ? undefined : core(window);
  const others: readonly Path[] = what === 'paths' && ofCore ? [floor, powertools(), ofCore] : [];
  const paths = what === 'parts' ? [] : [...others, handled];
  const load = new Load(shape, window.gapMs);
  const micros: Record<string, number[]> = {};
  // A function has one batch at a time.
  const batchesAtOnce = what === 'memory' ? 1 : Math.max(1, Math.round(sampleEvents / shape.events));
  let rowsAnEvent = 0;
  let recordBytes = 0;
  for (let round = -WARM_UP_ROUNDS; round < rounds; round += 1) {
    const batches = Array.from({ length: batchesAtOnce }, () => load.next());
    const note = (name: string, took: number) => {
      micros[name] ??= [];
      if (round >= 0) micros[name].push(took / batchesAtOnce / shape.events);
    };
    // Whoever was first in one round is last in the next.
    for (const path of turned(paths, round)) {
      const { took, found } = await timed(path, batches, services);
      for (const [index, batch] of batches.entries()) path.check(batch, found[index]);
      note(path.name, took);
    }
    if (what === 'parts' && ofCore) partsOf(batches, ofCore, note);
    services.keepHeadsOnly();
    rowsAnEvent = (batches[0]?.dedupedCounts.size ?? 0) / shape.events;
    recordBytes = Buffer.byteLength(batches[0]?.event.Records[0]?.kinesis.data ?? '', 'base64');
  }
  globalThis.gc?.();
  const { rss, heapUsed, arrayBuffers } = process.memoryUsage();
  const mebibytes = (bytes: number) => bytes / 2 ** 20;
  const peak = mebibytes(Math.max(rss, process.resourceUsage().maxRSS * 1024));
  const memory = { rss: peak, heap: mebibytes(heapUsed), buffers: mebibytes(arrayBuffers) };
  return { micros, idMicros, memory, rowsAnEvent, recordBytes };
}

function turned<T>(all: readonly T[], by: number): T[] {
  const first = all.length === 0 ? 0 : (by + WARM_UP_ROUNDS) % all.length;
  return [...all.slice(first), ...all.slice(0, first)];
}

/** Runs a path over batches. The garbage of others is swept before, its own counts as its work. */
async function timed(path: Path, batches: readonly LoadedBatch[], services: AnsweredServices) {
  const found: unknown[] = [];
  sweep();
  services.takeOwnMicros();
  const before = process.cpuUsage();
  for (const batch of batches) found.push(await path.run(batch));
  const { user, system } = process.cpuUsage(before);
  return { took: user + system - services.takeOwnMicros(), found };
}

function partsOf(
  batches: readonly LoadedBatch[],
  ofCore: ReturnType<typeof core>,
  note: (name: string, micros: number) => void,
): void {
  const sums = new Map<string, number>();
  const timedPart = <Result>(name: string, work: () => Result): Result => {
    const before = process.cpuUsage();
    const result = work();
    const { user, system } = process.cpuUsage(before);
    sums.set(name, (sums.get(name) ?? 0) + user + system);
    return result;
  };
  for (const batch of batches) {
    sweep();
    timedPart('floor', () => floor.run(batch));
    sweep();
    const found = timedPart('core', () => ofCore.run(batch)) as CoreResult;
    ofCore.check(batch, found);
    sweep();
    measureParts(batch, found, ofCore.window, timedPart);
  }
  for (const [name, took] of sums) note(name, took);
}

function sweep(): void {
  globalThis.gc?.({ type: 'minor' } as never);
}

/** Puts a window's segments into the ledger, and the head of their shard. */
function hold({ segments, windowMs }: FullWindow, services: AnsweredServices): void {
  for (const [index, { ids, runMaxMs }] of segments.entries()) {
    const head = headOf(index + 1, runMaxMs, segments[index - 1]?.runMaxMs ?? 0, windowMs);
    const entry = { ...lostEntry(head), lost: false, idBytes: ids.byteLength };
    services.hold(asJson(entryItem(SHARD_KEY, entry, undefined)));
    if (index === segments.length - 1) services.hold(asJson(headItem(SHARD_KEY, head)));
    const sk = { S: `IDS#${String(index + 1).padStart(12, '0')}#0` };
    services.hold({ pk: { S: SHARD_KEY }, sk, ids: { B: Buffer.from(ids).toString('base64') } });
  }
}

const SHARD_KEY = shardKey('1', parseShardId(SHARD));

function headOf(segment: number, runMaxMs: number, runMaxBeforeMs: number, windowMs: number): Head {
  const sequenceNumber = parseSequenceNumber(String(segment));
  return {
    ...{ segment, first: sequenceNumber, last: sequenceNumber, records: 1, version: 1, status: 'sent' },
    config: rollupConfig(windowMs),
    ...{ ancestors: [], minArrivalMs: runMaxMs, runMaxBeforeMs, runMaxMs, totals: noAccounts() },
  };
}

/** An item of the SDK in DynamoDB's JSON: bytes are all that differs, and what empty sets are marshalled to. */
function asJson(item: object): JsonItem {
  return JSON.parse(
    JSON.stringify(item, (_, value) =>
      value?.type === 'Buffer' ? Buffer.from(value.data).toString('base64') : value,
    ),
  );
}

/** What it takes to read a whole window from the ledger, microseconds an id, three times. */
async function loadWindow({ segments, windowMs }: FullWindow, services: AnsweredServices): Promise<number[]> {
  const ledger = new LedgerTable(dynamoDb({ region: 'us-east-1' }), 'ledger', systemClock);
  const last = segments.at(-1);
  if (last === undefined) return [];
  const plan = headOf(segments.length + 1, START_MS, last.runMaxMs, windowMs);
  const micros: number[] = [];
  for (let attempt = 0; attempt < 3; attempt += 1) {
    sweep();
    services.takeOwnMicros();
    const before = process.cpuUsage();
    await new DedupWindows().before(SHARD_KEY, plan, ledger);
    const { user, system } = process.cpuUsage(before);
    const ids = segments.reduce((sum, { ids: packed }) => sum + packed.length / 8, 0);
    micros.push((user + system - services.takeOwnMicros()) / ids);
  }
  return micros;
}
