// Both tables restored to one point in time, as the runbook has it: the stream gives again what came since.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { kinesisBatches } from '../../lambdas/collector/batch-stream.aws.ts';
import { type CollectorSettings, collect } from '../../lambdas/collector/collect.ts';
import type { LogObject } from '../../lambdas/collector/ports.ts';
import { ledgerProgress } from '../../lambdas/collector/progress.aws.ts';
import { clock, compacted, itemsOf, replaceItems, services, start, totals } from './support/generations.ts';

const LINES = '::1 - - [22/Nov/2026:05:00:00 +0000] "GET /a HTTP/1.1" 200 1 "-" "-"\n'.repeat(4);
const OBJECT: LogObject = { bucket: 'logs', key: 'a.log', etag: 'a', bytes: LINES.length };
const LOG = {
  bucket: 'logs',
  prefix: '',
  format: 'combined',
  metric: 'view',
  filter: '',
  entity: '',
  logFormat: '',
};
const SETTINGS: CollectorSettings = { accessLogs: [LOG], dedupWindowMs: 3_600_000 };
let runs = 0;

/** Announces the object to the collector. */
async function announced({ ledgerTable, stream }: Awaited<ReturnType<typeof start>>): Promise<string> {
  const { outcome } = await collect(
    OBJECT,
    {
      objects: {
        open: async (_, from, most = LINES.length) =>
          (async function* () {
            yield Buffer.from(LINES.slice(from, from + most));
          })(),
      },
      progress: ledgerProgress(services.dynamoDb, ledgerTable),
      stream: kinesisBatches(services.kinesis, stream),
      report: async () => assert.fail('it is readable'),
      run: `run ${runs++}`,
      nowMs: clock.nowMs,
      pause: async () => {},
    },
    SETTINGS,
    () => true,
  );
  return outcome;
}

for (const inFlight of [0, 10]) {
  test(`both tables restored, ${inFlight} events in flight then: a new generation counts what came since`, async () => {
    const pipeline = await start(2);
    const { put, countsTable, ledgerTable } = pipeline;
    const count = async (events: number) => {
      await put(events);
      await pipeline.aggregateNew('1');
      await pipeline.writeAll();
    };
    await count(30);
    await compacted(pipeline, '1');
    await count(10);
    if (inFlight > 0) await put(inFlight);
    await pipeline.aggregateNew('1');
    const [counts, ledger] = [await itemsOf(countsTable), await itemsOf(ledgerTable)];

    await count(20);
    await pipeline.split();
    await count(7);
    await compacted(pipeline, '1');
    assert.equal(await announced(pipeline), 'done');
    await count(5);
    await compacted(pipeline, '1');
    assert.deepEqual(await totals(pipeline), [76 + inFlight, 76 + inFlight]);
    const objects = (await itemsOf(ledgerTable)).filter(({ pk }) => pk?.S?.startsWith('OBJECT#'));

    await replaceItems(countsTable, counts);
    await replaceItems(ledgerTable, [...ledger, ...objects]);
    assert.deepEqual(await totals(pipeline), [40, 40]);
    assert.equal(await announced(pipeline), 'already');
    await put(3);
    // A mapping that was made again delivers everything from the oldest record.
    for (const shard of await pipeline.shardIds())
      await pipeline.aggregateShard(shard, await pipeline.recordsOf(shard), '2');
    await pipeline.writeAll();
    for (let rounds = 0; rounds < 3; rounds += 1) await compacted(pipeline, '2');
    assert.deepEqual(await totals(pipeline), [79, 79]);
    const { status, difference } = await pipeline.account('2');
    const { received, counted } = status;
    assert.deepEqual([received, counted, status.inFlight, difference], [79 + inFlight, 79, inFlight, 0]);
  });
}
