// How fast is the writer? Its handler on the real SDK client: answered from memory, and on the emulator's tables.
import { openSync, writeSync } from 'node:fs';
import { availableParallelism, devNull, loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { dynamoDb } from '../lambdas/aws/clients/dynamo-db.ts';
import { startEmulators } from '../local/emulators/emulators.ts';
import { createTable } from './synthetic-counts.ts';
import { writeAtOnce } from './writer/concurrency.ts';
import { benchDynamoDb, TABLES } from './writer/dynamodb.ts';
import { checkTables, emulatorRound, putEntries } from './writer/emulator.ts';
import { type LoadSize, loadOf, type WriterLoad } from './writer/load.ts';
import { cpuRound } from './writer/memory.ts';
import { expectedCalls, type WriterHandler } from './writer/runs.ts';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    segments: { type: 'string', default: '50' },
    counters: { type: 'string', default: '100' },
    'events-per-row': { type: 'string', default: '8' },
    'latency-ms': { type: 'string', default: '6' },
  },
});
const rounds = Number(values.rounds);
const size: LoadSize = {
  segments: Number(values.segments),
  counters: Number(values.counters),
  eventsPerRow: Number(values['events-per-row']),
};
const latencyMs = Number(values['latency-ms']);
const rows = size.segments * size.counters;

/** Messages a batch: one, some, and all there are; each with what it says new, and applied already. */
const BATCHES = [...new Set([1, Math.min(10, size.segments), size.segments])];
const DELIVERIES = BATCHES.flatMap((messagesEach) =>
  [false, true].map((replayed) => ({ messagesEach, replayed })),
);
/** Updates at once; the writer's own is 32. */
const AT_ONCE = [1, 4, 8, 16, 32, 64, 128];
/** One message, so that nothing is coalesced. */
const ONE_MESSAGE: LoadSize = { ...size, segments: 1, counters: Math.min(400, rows) };

// As the stack sets it for a stage with the usual settings. No endpoint: the SDK finds AWS' own, and never gets there.
Object.assign(process.env, {
  ...{ AWS_REGION: 'us-east-1', AWS_ACCESS_KEY_ID: 'local', AWS_SECRET_ACCESS_KEY: 'local' },
  ...{ STAGE: 'bench', POWERTOOLS_SERVICE_NAME: 'writer', POWERTOOLS_METRICS_NAMESPACE: 'Tally' },
  ...{ POWERTOOLS_LOG_LEVEL: 'INFO', COUNTER_TABLE: TABLES.counters, LEDGER_TABLE: TABLES.ledger },
  ...{ ROLLUP_QUEUE_URL: 'https://sqs/rollup', DEAD_LETTER_QUEUE_URL: 'https://sqs/dead' },
  ...{ ARCHIVE_BUCKET: 'archive', COUNTER_RETENTION_SECONDS: 'forever' },
  ...{ RETRY_PARAMETER: '/tally/bench/retries', RETRY_REREAD_SECONDS: '60' },
});

/** Figures of all rounds, by what they are of. */
class Figures {
  readonly #byName = new Map<string, number[]>();

  add(name: string, figure: number): void {
    this.#byName.set(name, [...(this.#byName.get(name) ?? []), figure]);
  }

  /** The median with the least and the most. */
  cell(name: string, digits = 0): string {
    const sorted = (this.#byName.get(name) ?? []).toSorted((a, b) => a - b);
    const [least = NaN, most = NaN] = [sorted[0], sorted.at(-1)];
    const median = sorted[Math.floor(sorted.length / 2)] ?? NaN;
    const text = (figure: number) =>
      figure.toLocaleString('en', { maximumFractionDigits: digits, minimumFractionDigits: digits });
    return `${text(median)} (${text(least)}–${text(most)})`;
  }
}

const figures = new Figures();
const table = benchDynamoDb();

/** Everything once, in turns, so that whatever else the machine does falls on all. A round to warm up is not kept. */
async function measure(handler: WriterHandler, endpoint: string): Promise<readonly WriterLoad[]> {
  const written: WriterLoad[] = [];
  const nextLoad = (of: LoadSize) => {
    const load = loadOf(written.length, of);
    written.push(load);
    return load;
  };
  for (let round = 0; round <= rounds; round += 1) {
    process.stderr.write(round === 0 ? 'warming up\n' : `round ${round} of ${rounds}\n`);
    const keep = (name: string, figure: number) => round > 0 && figures.add(name, figure);
    for (const delivery of DELIVERIES) {
      const cpu = await cpuRound(handler, table, size, delivery);
      for (const [of, figure] of Object.entries(cpu)) keep(nameOf(delivery, of), figure);
    }
    const oneMessage = loadOf(0, ONE_MESSAGE);
    for (const atOnce of AT_ONCE) {
      table.answer(oneMessage, { replayed: false, latencyMs });
      const { updatesPerSecond, cpuMicros } = await writeAtOnce(oneMessage, atOnce);
      keep(`memory ${atOnce}`, updatesPerSecond);
      keep(`memory cpu ${atOnce}`, cpuMicros);
    }
    table.forward(endpoint);
    for (const messagesEach of BATCHES) {
      const seconds = await emulatorRound(handler, table, nextLoad(size), messagesEach);
      const { updates } = expectedCalls(size, messagesEach);
      for (const [replayed, of] of [
        [false, seconds.coldSeconds] as const,
        [true, seconds.replayedSeconds] as const,
      ]) {
        keep(nameOf({ messagesEach, replayed }, 'updates/s'), updates / of);
        keep(nameOf({ messagesEach, replayed }, 'events/s'), (rows * size.eventsPerRow) / of);
      }
    }
    for (const atOnce of AT_ONCE) {
      const load = nextLoad(ONE_MESSAGE);
      await putEntries(load);
      const { updatesPerSecond, cpuMicros } = await writeAtOnce(load, atOnce);
      keep(`emulator ${atOnce}`, updatesPerSecond);
      keep(`emulator cpu ${atOnce}`, cpuMicros);
    }
    table.take();
  }
  return written;
}

function nameOf({ messagesEach, replayed }: (typeof DELIVERIES)[number], of: string): string {
  return `${messagesEach} ${replayed} ${of}`;
}

function deliveryRow(delivery: (typeof DELIVERIES)[number]): string {
  const { updates, acknowledgements } = expectedCalls(size, delivery.messagesEach);
  const cell = (of: string, digits = 0) => figures.cell(nameOf(delivery, of), digits);
  return `| ${[
    delivery.messagesEach,
    delivery.replayed ? 'applied already' : 'new',
    `${updates} + ${acknowledgements}`,
    rows / updates,
    ...[cell('call'), cell('floor'), cell('update'), cell('event', 1), cell('updates/s'), cell('events/s')],
  ].join(' | ')} |`;
}

function concurrencyRow(atOnce: number): string {
  const names = ['memory', 'memory cpu', 'emulator', 'emulator cpu'];
  return `| ${[atOnce, ...names.map((name) => figures.cell(`${name} ${atOnce}`))].join(' | ')} |`;
}

// Powertools writes a line of metrics for each invocation. It is written here as well, but not among the figures.
const writeFigures = process.stdout.write.bind(process.stdout);
const nowhere = openSync(devNull, 'w');
process.stdout.write = (chunk: string | Uint8Array) => writeSync(nowhere, Buffer.from(chunk)) >= 0;

const [loadAtStart] = loadavg();
const emulators = await startEmulators(undefined, (error) => {
  throw error;
});
try {
  table.forward(emulators.dynamodb.endpoint);
  const client = dynamoDb();
  for (const name of Object.values(TABLES)) await createTable(client, name);
  client.destroy();
  const { handler } = (await import('../lambdas/writer/handler.ts')) as unknown as { handler: WriterHandler };
  await checkTables(await measure(handler, emulators.dynamodb.endpoint));
} finally {
  await emulators.stop();
}

writeFigures(`Method: the writer's handler with its middleware, called as Lambda calls it with messages of ${size.segments} segments, each with a row for the same ${size.counters}
counters and ${size.eventsPerRow} events in a row: ${rows} rows, ${rows * size.eventsPerRow} events, delivered so many messages a batch, batch after batch. Processor time: on the SDK's
DynamoDB client with all it does but sockets, answered from memory; "floor" is the same calls through that client alone. Updates and
events a second: on the emulator, in a thread of its own and by HTTP. ${rounds} interleaved rounds after one to warm up; medians, with the least and the most.
All calls were counted and their events added up, and the emulator's counters and acknowledgements compared with what they must be.
Node ${process.version}, ${availableParallelism()} cores with a load of ${loadAtStart?.toFixed(1)} before this, ${new Date().toISOString().slice(0, 10)}.

| messages a batch | what they say is | updates + acknowledgements | rows an update | processor, µs a call | floor, µs a call | µs an update | µs an event | emulator: updates/s | events/s |
| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |
${DELIVERIES.map(deliveryRow).join('\n')}

One message of ${ONE_MESSAGE.counters} rows, so many updates at once; in memory each answer takes ${latencyMs} ms, as one of DynamoDB might.

| updates at once | in memory: updates/s | processor, µs a call | emulator: updates/s | our thread, µs a call |
| --- | --- | --- | --- | --- |
${AT_ONCE.map(concurrencyRow).join('\n')}
`);
