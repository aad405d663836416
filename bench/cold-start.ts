// `tally bench cold-start`: how much of each function's bundle is read at start, and how long a fresh process takes.
import { randomUUID } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import type { Bundle } from '../lib/bundle.ts';
import { asList, asObject } from '../local/json.ts';
import { rollupQueueIn } from '../local/template/names.ts';
import { type BundledStack, startBundledStack } from './bundled-stack.ts';
import { type ColdStart, coldStart } from './cold-process.ts';
import { machine, spread, table } from './end-to-end/figures.ts';

const { rounds, only }: { rounds: number; only?: string } = JSON.parse(process.argv[2] ?? '{}');
/** Variables of the functions on AWS that the local stage does not set. */
const DEPLOYED = { NODE_OPTIONS: '--enable-source-maps' };

const AT = '2026-11-20T05:07:59Z';
const PAGE = { httpMethod: 'GET', headers: {}, requestContext: { path: '/' } };
const QUESTION = {
  ...PAGE,
  resource: '/v1/counts/{metric}/{entity+}',
  pathParameters: { metric: 'view', entity: '%2Fcold' },
  queryStringParameters: { by: 'hour', from: '2026-11-20T05:00Z', to: '2026-11-20T06:00Z' },
};

/**
 * Prepares first events for each function, as from its trigger, on an empty stack: pauses its mappings, and introduces a test
 * shard to the functions.
 */
async function coldEvents(running: BundledStack) {
  const { stack } = running;
  await Promise.all(stack.mappings.map((mapping) => mapping.pause()));
  let records = 0;
  /** A batch of one record after the last one, on a shard that need not exist in the stream. */
  const batch = () => {
    records += 1;
    const event = { id: randomUUID(), metric: 'view', entity: '/cold', at: AT };
    const sequenceNumber = `4${String(records).padStart(55, '0')}`;
    const data = Buffer.from(JSON.stringify(event)).toString('base64');
    const approximateArrivalTimestamp = Date.now() / 1000;
    const kinesis = { sequenceNumber, approximateArrivalTimestamp, data };
    return { Records: [{ eventID: `shardId-000000000042:${sequenceNumber}`, kinesis }] };
  };
  /** Has a warm aggregator roll up a batch, and takes its message from the queue. */
  const message = async () => {
    await invoke(running, 'aggregator', batch());
    const QueueUrl = rollupQueueIn(stack.template).ref;
    const { Messages } = await stack.call('sqs', 'ReceiveMessage', { QueueUrl, WaitTimeSeconds: 1 });
    const [taken] = asList(Messages).map(asObject);
    if (taken === undefined) throw new Error('the aggregator sent no rollup message');
    const { MessageId: messageId, ReceiptHandle: receiptHandle, Body: body } = taken;
    const attributes = { ApproximateReceiveCount: '1' };
    return { Records: [{ messageId, receiptHandle, body, attributes, messageAttributes: {} }] };
  };
  const events: Readonly<Record<string, () => unknown>> = {
    aggregator: batch,
    writer: message,
    query: () => QUESTION,
    console: () => PAGE,
  };
  // A shard's first batch is rare and takes longer, as does the first request to a table.
  await invoke(running, 'writer', await message());
  return {
    /** The next event for a function; unique where that matters. */
    next: async (noun: string): Promise<unknown> => events[noun]?.() ?? {},
    /** @throws Error when a function did not do what it should */
    check: (noun: string, answer: unknown): void => {
      const { statusCode = 200, batchItemFailures = [] } = (answer ?? {}) as Record<string, unknown>;
      if (statusCode !== 200 || !Array.isArray(batchItemFailures) || batchItemFailures.length > 0)
        throw new Error(`the ${noun} answered ${JSON.stringify(answer)}`);
    },
  };
}

async function invoke({ stack, functions }: BundledStack, noun: string, event: unknown): Promise<void> {
  const outcome = await stack.invoke(functions.find((each) => each.noun === noun)?.name ?? noun, event);
  if (!outcome.ok) throw new Error(`the ${noun} failed: ${JSON.stringify(outcome.error)}`);
}

/** Kilobytes of a bundle's modules, plain and individually compressed, as in the archive that Lambda fetches. */
function kilobytesOf({ files }: Bundle, atStart: boolean): string[] {
  const contents = files
    .filter((file) => file.name.endsWith('.mjs') && (file.atStart || !atStart))
    .map((file) => file.contents);
  const bytes = (of: readonly Uint8Array[]) => of.reduce((sum, { length }) => sum + length, 0);
  return [contents, contents.map((each) => gzipSync(each))].map((each) => (bytes(each) / 1000).toFixed(0));
}

const before = machine();
const running = await startBundledStack({ schedules: false });
const events = await coldEvents(running);
try {
  const cases = running.functions
    .filter(({ noun }) => only === undefined || noun === only)
    .map((each) => ({ ...each, starts: [] as ColdStart[] }));
  const emptyMs: number[] = [];
  for (let round = 0; round <= rounds; round += 1) {
    process.stderr.write(round === 0 ? 'warming up\n' : `round ${round} of ${rounds}\n`);
    for (const each of cases) {
      const environment = { ...each.environment(), ...DEPLOYED };
      const event = await events.next(each.noun);
      const nothing = await coldStart(undefined, environment, {});
      const start = await coldStart(each.entry, environment, event);
      events.check(each.noun, start.answer);
      if (round === 0) continue;
      emptyMs.push(nothing.loadedMs);
      each.starts.push(start);
    }
  }
  const rows = cases.map(({ noun, bundle, starts }) => [
    noun,
    ...kilobytesOf(bundle, true),
    ...kilobytesOf(bundle, false),
    spread(starts.map(({ startedMs, loadedMs }) => loadedMs - startedMs)),
    spread(starts.map(({ loadedMs, handledMs }) => handledMs - loadedMs)),
    spread(starts.map(({ handledMs }) => handledMs)),
  ]);
  const sizes = ['at start, kB', 'gzip', 'in all, kB', 'gzip'];
  const head = ['function', ...sizes, 'init', 'first event', 'since start'];
  process.stdout.write(`Method: each function is bundled as it is deployed, and started in a fresh process that has Lambda's variables, the template's
and nothing else, source maps enabled as on AWS; services are the local stack's emulators, by plain HTTP, for which Node's modules are
loaded beforehand. It loads the bundle and handles one event of its trigger, whose answer is checked. ${rounds} interleaved rounds after one
to warm up; medians, with the least and the most. Milliseconds. "init" is what our modules take to load: what Lambda's init phase has
besides Node's own start, which took a process that loads nothing ${spread(emptyMs)}. "since start" has that, too.
${before}

${table(head, rows)}
`);
} finally {
  await running.stack.stop();
}
