// The benchmark of cost with tiny sizes: memory charges what the emulator charges, all count right, and the figures that do not depend on chance.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Meter } from '../../bench/cost/meter.ts';
import { proven } from '../../bench/cost/proof.ts';
import { settingsFor, singleRecords, streamBatches } from '../../bench/cost/stream.ts';
import { runOther, runOurs, tallyRun, WrongCounts } from '../../bench/cost/systems.ts';
import { eventsOf, type Load, referenceOf, zipfLog } from '../../bench/cost/workloads.ts';
import { meteredWorld } from '../../bench/cost/worlds.ts';

const log = zipfLog(200, 1, 2_000);
const load: Load = { log, events: 900, perSecond: 300, repeatEvery: 50 };

/** What a program printed, as rows of cells by table. */
async function tablesOf(program: string, ...options: string[]): Promise<string[][][]> {
  const path = fileURLToPath(new URL(`../../bench/${program}`, import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, [path, ...options]);
  const tables: string[][][] = [];
  let open: string[][] | undefined;
  for (const line of stdout.split('\n')) {
    if (!line.startsWith('| ')) {
      open = undefined;
      continue;
    }
    if (open === undefined) {
      open = [];
      tables.push(open);
    }
    open.push(line.slice(2, -2).split(' | '));
  }
  return tables.map(([head = [], _rule, ...rows]) => [head, ...rows]);
}

test('memory charges what the emulator charges, for every system', async () => {
  // It throws when they differ in a unit, a request or a byte, or when anything counts wrong.
  const compared = await proven({ ...load, events: 300 });
  assert.deepEqual(
    compared.map(({ system, failed }) => [system, failed > 0]),
    [
      ['update', false],
      ['idempotent', true],
      ['markers', true],
      ['transaction', true],
      ['tally', false],
      ['packed', false],
    ],
  );
});

test('units that follow from what each system does', async () => {
  const once: Load = { ...load, repeatEvery: 0 };
  const c = settingsFor(1, { streamShards: 1 });
  const unitsOf = async (system: 'update' | 'idempotent' | 'transaction') =>
    (await runOther(meteredWorld(), system, once, c)).writeUnits / 1e6;
  assert.equal(await unitsOf('update'), 1);
  assert.equal(await unitsOf('idempotent'), 3);
  assert.equal(await unitsOf('transaction'), 4);
  const world = meteredWorld();
  const tally = await runOurs(world, tallyRun(once, 10, 1));
  // One batch of three seconds: HEAD twice, SEG, KEYS, an acknowledgement; ids at 8 bytes each.
  const ledger = [...world.meter.lines].map(([name, { writeUnits }]) => [name, writeUnits]);
  assert.deepEqual(Object.fromEntries(ledger.filter(([name]) => name !== 'counters')), {
    'ledger HEAD': 2,
    'ledger IDS': Math.ceil((900 * 8 + 50) / 1024),
    'ledger KEYS': 1,
    'ledger SEG': 1,
    'ledger ACK': 1,
  });
  const distinct = new Set(log.events.subarray(0, once.events)).size;
  assert.equal(world.meter.writeUnits('counters'), distinct);
  assert.equal(Math.round(tally.updates * once.events), distinct);
});

test('repetitions: counted by an unconditional update alone', async () => {
  const c = settingsFor(1, { streamShards: 1 });
  assert.notDeepEqual(referenceOf(load, true), referenceOf(load));
  for (const system of ['update', 'idempotent', 'markers', 'transaction'] as const) {
    await runOther(meteredWorld(), system, load, c);
  }
  for (const perRecord of [1, 50]) await runOurs(meteredWorld(), tallyRun(load, 1, perRecord));
  // A window of ids as short as this forgets them: the check notices.
  const forgetful = tallyRun({ ...load, events: 2_000, perSecond: 100 }, 1, 1, { dedupWindowSeconds: 1 });
  await assert.rejects(runOurs(meteredWorld(), forgetful), WrongCounts);
});

test('batches end with their window, their records or six megabytes', () => {
  const batches = (events: number, perSecond: number, windowSeconds: number, change = {}) => {
    const records = singleRecords(
      eventsOf({ log: zipfLog(10, 0, events), events, perSecond, repeatEvery: 0 }),
      1,
      new Meter(),
    );
    return [
      ...streamBatches(records, settingsFor(windowSeconds, { streamShards: 1, bucketMinutes: 5, ...change })),
    ].map(({ records: { length } }) => length);
  };
  assert.deepEqual(batches(100, 10, 2), [21, 21, 21, 21, 16]);
  const [first = 0] = batches(20_000, 10_000, 60);
  assert.ok(first > 7_500 && first < 8_500, `${first}`);
});

test("the plan's formulas are within a few per cent where entities are drawn by chance", async () => {
  const zipf: Load = { log: zipfLog(20_000, 1, 20_000), events: 20_000, perSecond: 100, repeatEvery: 0 };
  for (const perRecord of [1, 50]) {
    const { measured: m, planned: p } = await runOurs(meteredWorld(), tallyRun(zipf, 10, perRecord));
    for (const figure of ['eventsASegment', 'counterUnits', 'idUnits', 'sqsRequests'] as const) {
      const off = p[figure] / m[figure] - 1;
      // Events come evenly here; the plan takes them as coming by chance.
      assert.ok(Math.abs(off) < 0.08, `${figure}: measured ${m[figure]}, planned ${p[figure]}`);
    }
  }
});

test('the command prints its tables', async () => {
  const tables = await tablesOf('cost.ts', '--scale', '0.003', '--proof', '0', '--workloads', 'zipf');
  assert.deepEqual(
    tables.map(([head = [], ...rows]) => [head.length, rows.length]),
    [
      [11, 12],
      [9, 12],
      [13, 12],
      [12, 16],
    ],
  );
  for (const row of tables[0]?.slice(1) ?? []) assert.deepEqual([row[3], row[4], row[6]], ['1', '3', '4']);
});

test('growth: four kinds, three sizes each; units of the largest no more than those of the smallest, but for entities alone', async () => {
  const [[_head, ...rows] = []] = await tablesOf('growth.ts', '--events', '100', '--rounds', '0');
  assert.equal(rows.length, 12);
  for (const at of [0, 3])
    assert.ok(Number(rows[at + 2]?.[6]) <= Number(rows[at]?.[6]), `${rows[at]} … ${rows[at + 2]}`);
});
