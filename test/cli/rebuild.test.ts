// Counting everything again from the archive alone: tables gone, shards split, a generation that began at a time, a deletion.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { archiveHistory, ledgerHistory } from '../../cli/recount/history.ts';
import {
  type ArchiveAlone,
  copyDeletions,
  play,
  rebuildInto,
  type replayedSource,
} from '../../cli/recount/rebuild.ts';
import type { StackAccess } from '../../cli/shared/stack-access.ts';
import { compactNow, openStore, type StoreAccess } from '../../cli/shared/store-access.ts';
import { FakeAws } from '../../fake-aws/aws.ts';
import type { Transport } from '../../fake-aws/call.ts';
import {
  type AggregatorPorts,
  type AggregatorSettings,
  aggregate,
} from '../../lambdas/aggregator/aggregate.ts';
import { S3RawArchive } from '../../lambdas/aws/raw-archive.ts';
import { entityHash } from '../../lambdas/core/deletions.ts';
import type { SegmentId } from '../../lambdas/core/identifiers.ts';
import { rawObject } from '../../lambdas/core/raw-segment.ts';
import { decodeRollupMessage } from '../../lambdas/core/rollup-message.ts';
import type { StreamRecord } from '../../lambdas/core/segment.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../lambdas/core/time.ts';
import { S3ArchiveCleaner } from '../../lambdas/deletion/archive-cleaner.aws.ts';
import { parseCountQuery } from '../../lambdas/query/count-query.ts';
import { readCounts } from '../../lambdas/query/read-counts.ts';
import { readTop } from '../../lambdas/query/read-top.ts';
import { parseTopQuery } from '../../lambdas/query/top-query.ts';
import { ALL_HOURS } from '../../lambdas/recount/ports.ts';
import { begin } from '../../lambdas/recount/produce.ts';
import { recount } from '../../lambdas/recount/recount.ts';
import { aggregatorPorts } from '../support/aggregator-ports.ts';
import { crashing } from '../support/disturbed.ts';
import { ARRIVAL_MS, CONFIG, record, SHARD_KEY } from '../support/records.ts';
import { MemorySpill, RECOUNT_SETTINGS } from '../support/recounted-world.ts';
import { worldShard } from '../support/store-world.ts';

const clock = { nowMs: () => ARRIVAL_MS + 2 * HOUR_MS };
const PARENTS = new Map([
  [worldShard(1), [worldShard(0)]],
  [worldShard(2), [worldShard(0)]],
]);
const ENTITIES = ['/a', '/b', '/c', '/d', '/gone'];

/** AWS without its tables is a new one with the old bucket. */
function stackOn(aws: FakeAws, bucketOf: FakeAws, transport?: Transport): StackAccess {
  const { dynamoDb, kinesis } = aws.clients(transport);
  const settings = {
    streamGeneration: '2',
    hashSlots: 4,
    minuteRetentionDays: 'forever',
    hourRetentionDays: 'forever',
    dayRetentionDays: 'forever',
    rawRetentionDays: 'forever',
    deltaRetentionDays: 30,
    ledgerRetentionDays: 'forever',
  };
  const resources = { countsTable: 'counts', ledgerTable: 'ledger', archiveBucket: 'archive', settings };
  return { dynamoDb, kinesis, s3: bucketOf.clients().s3, resources } as unknown as StackAccess;
}

function portsOf({ ledger, store, state }: StoreAccess, raw: S3RawArchive): AggregatorPorts {
  const ports = aggregatorPorts({ ledger, ranges: state, clock }, []);
  return {
    ...ports,
    raw,
    log: { ...ports.log, parentsOf: async (id) => PARENTS.get(id) ?? [] },
    queue: {
      async send(messages) {
        for (const { body, segment, parts } of messages) {
          for (const delta of decodeRollupMessage(body).deltas) await store.putDelta(delta);
          await ledger.acknowledge(segment, parts);
        }
      },
    },
  };
}

let position = 0;
/** Records of a minute, each repeated by a client's retry. */
function minuteOf(minute: number, seed: number): StreamRecord[] {
  const arrivalMs = ARRIVAL_MS + minute * MINUTE_MS;
  return Array.from({ length: 12 }, (_, index) => {
    const number = index % 6;
    return record(
      ++position,
      {
        id: `${minute}.${seed}.${number}`,
        entity: ENTITIES[(number + seed) % ENTITIES.length] ?? '',
        at: arrivalMs - number * 7 * HOUR_MS,
        n: 1 + number,
      },
      arrivalMs,
    );
  });
}

/** Two generations of three shards, the second from a time on; the person's counts are deleted in between. */
async function countedStack() {
  const aws = new FakeAws({ clock });
  for (const name of ['counts', 'ledger']) aws.dynamoDb.addTable(name, { ttl: 'expiresAt' });
  aws.s3.addBucket('archive');
  const stack = stackOn(aws, aws);
  const raw = new S3RawArchive(stack.s3, 'archive');
  const access = openStore(stack, undefined, {
    generation: '2',
    stream: {
      shards: async () =>
        [0, 1, 2].map((number) => ({
          shard: worldShard(number),
          parents: [...(PARENTS.get(worldShard(number)) ?? [])],
        })),
    },
  });
  const ports = portsOf(access, raw);
  const count = async (generation: string, number: number, minutes: readonly number[], from?: number) => {
    const settings: AggregatorSettings = {
      generation,
      rollup: CONFIG,
      streamRetentionMs: 7 * 24 * HOUR_MS,
      ...(from !== undefined && { generationFrom: from }),
    };
    for (const minute of minutes) {
      const batch = { shard: worldShard(number), records: minuteOf(minute, number) };
      assert.equal(await aggregate(batch, ports, settings, () => true), 'done');
    }
  };
  await count('1', 0, [0, 1, 2]);
  await count('1', 1, [3, 4]);
  await count('1', 2, [3]);
  const throughMs = ARRIVAL_MS + 3 * MINUTE_MS;
  await access.state.finishDeletion(
    await access.state.registerDeletion({ entityHash: entityHash('/gone'), throughMs }),
  );
  const cleaner = new S3ArchiveCleaner(stack.s3, 'archive');
  await cleaner.keepDeletion(entityHash('/gone'), clock.nowMs(), { throughMs });
  await count('2', 1, [5, 6], ARRIVAL_MS + 5 * MINUTE_MS);
  await count('2', 2, [5, 6, 7], ARRIVAL_MS + 5 * MINUTE_MS);
  await compactNow(access);
  const alone: ArchiveAlone = { archive: raw, deletions: () => cleaner.deletions() };
  return { aws, stack, access, alone };
}

async function answersOf({ ledger, state, store, settings }: StoreAccess): Promise<string> {
  const ports = { watermarks: ledger, state, counts: store, tops: store, hints: new Map(), clock };
  const range = {
    from: String(ARRIVAL_MS - 30_000 - 60 * HOUR_MS),
    to: String(ARRIVAL_MS - 30_000 + HOUR_MS),
  };
  const queries = ENTITIES.flatMap((entity) =>
    ['minute', 'hour', 'day', 'week', 'month', 'total'].map((by) =>
      parseCountQuery(
        'view',
        entity,
        { ...range, by, ...(by === 'minute' && { limit: '10000' }) },
        clock.nowMs(),
      ),
    ),
  );
  const reads: unknown[] = [
    ...(await readCounts(queries, ports, { acceptFutureMs: 600_000, retentions: settings.retentions })),
  ];
  for (const by of ['hour', 'day', 'month', 'total']) {
    const query = parseTopQuery(
      'view',
      by === 'total' ? { by } : { by, at: String(ARRIVAL_MS) },
      clock.nowMs(),
    );
    reads.push((await readTop(query, ports, settings)).answer);
  }
  return JSON.stringify(reads, (_, value) => (typeof value === 'bigint' ? `${value}n` : value));
}

async function recounted(access: StoreAccess, source: ReturnType<typeof replayedSource>) {
  const state = await begin('test', ALL_HOURS, access, RECOUNT_SETTINGS);
  const { ledger, store, rewriter } = access;
  const ports = {
    ...{ ledger, source, state: access.state, store, periods: rewriter, clock },
    finishPlans: async () => undefined,
    spill: new MemorySpill(state.spilled.length),
    repair: undefined,
  };
  return recount(state, ports, RECOUNT_SETTINGS, { save: async () => {}, onProgress: () => {} });
}

test('with both tables gone, the archive alone gives every answer again', async () => {
  const { aws, access, alone } = await countedStack();
  const expected = await answersOf(access);
  assert.match(expected, /"total":"\d\d+n"/);
  const bare = stackOn(new FakeAws({ clock }), aws);
  for (const _ of ['once', 'again']) {
    const rebuilt = await rebuildInto('3', bare, openStore(bare), alone, () => {});
    assert.deepEqual(rebuilt.left, []);
    assert.equal(await answersOf(rebuilt.access), expected);
    const found = await recounted(rebuilt.access, rebuilt.source);
    assert.deepEqual([found.differences, found.unknown], [[], []]);
  }
  await assert.rejects(
    rebuildInto('4', bare, openStore(bare), { segmentsOf: () => assert.fail() }, () => {}),
    /use --source archive/,
  );
});

test('a deletion that a killed rebuild left unfinished is finished by the next', async () => {
  const { access } = await countedStack();
  const deletion = { entityHash: entityHash('/other'), throughMs: ARRIVAL_MS };
  const number = await access.state.registerDeletion(deletion);
  assert.deepEqual((await access.state.readState()).deleting, [number]);
  await copyDeletions([deletion], access);
  const { deletions, deleting } = await access.state.readState();
  assert.deepEqual([deletions, deleting], [number, []]);
});

test('a rebuild killed at any point continues', async () => {
  const { aws, access, alone } = await countedStack();
  const expected = await answersOf(access);
  let killed = 0;
  for (let calls = 10; calls < 260; calls += 9) {
    const target = new FakeAws({ clock });
    const dying = stackOn(target, aws, crashing(calls, calls % 2 === 0));
    await rebuildInto('3', dying, openStore(dying), alone, () => {}).catch(() => (killed += 1));
    const bare = stackOn(target, aws);
    const rebuilt = await rebuildInto('3', bare, openStore(bare), alone, () => {});
    assert.equal(await answersOf(rebuilt.access), expected, `killed at call ${calls}`);
  }
  assert.ok(killed > 20, `${killed} were killed`);
});

test('what the archive lacks is reported, and an existing ledger gives the same result', async () => {
  const { aws, stack, access, alone } = await countedStack();
  const bucket = aws.s3.bucket('archive');
  for (const key of bucket.keys()) {
    if (/\/1\.0\.2\.ndjson\.gz$|\/2\.2\.3\.ndjson\.gz$/.test(key))
      await new S3ArchiveCleaner(stack.s3, 'archive').remove(key);
  }
  const bare = stackOn(new FakeAws({ clock }), aws);
  const alone1 = await archiveHistory(alone.archive, openStore(bare).ledger);
  assert.deepEqual(alone1.missing, ['segment 2 of shard 1.0 was not counted again: not in the archive']);
  // A shard with ancestors unknown to a lost ledger still comes after all earlier generations.
  const late = rawObject('2.3.1' as SegmentId, { ancestors: [], config: CONFIG }, minuteOf(9, 3));
  await new S3RawArchive(stack.s3, 'archive').keepRaw(late);
  const both = await archiveHistory(alone.archive, access.ledger);
  assert.deepEqual(both.missing, [
    'segment 2 of shard 1.0 was not counted again: not in the archive',
    'segment 3 of shard 2.2 was not counted again: not in the archive',
  ]);
  assert.deepEqual(
    both.shards.map(({ key }) => key),
    ['1.0', '1.1', '1.2', '2.3', '2.1', '2.2'],
  );
  const byLedger = await ledgerHistory(access.ledger, {
    segmentsOf: () => ({ read: async () => 'trimmed' }),
  });
  assert.deepEqual(
    byLedger.shards.map(({ key }) => key),
    ['1.0', '1.1', '1.2', '2.1', '2.2'],
  );
  const left = await play(
    '3',
    byLedger,
    openStore(stack, undefined, { generation: '3', stream: { shards: async () => [] } }),
    () => {},
  );
  assert.equal(left.length, 11);
  assert.match(left[0] ?? '', /^segment 1\.0\.1 was not counted again: trimmed$/);
});

test('a record of another stream under the same shard is reported, not treated as counted', async () => {
  const { aws, alone } = await countedStack();
  const target = new FakeAws({ clock });
  for (const name of ['counts', 'ledger']) target.dynamoDb.addTable(name, {});
  const bare = stackOn(target, aws);
  const [first] = (await archiveHistory(alone.archive, openStore(bare).ledger)).shards;
  assert.ok(first !== undefined);
  const older = record(0, { id: 'x' }, ARRIVAL_MS + HOUR_MS);
  const other = {
    key: '2.0' as typeof first.key,
    ancestors: [],
    first: older.sequenceNumber,
    segments: 1,
    async *read() {
      yield { segment: 1, last: undefined, read: async () => ({ records: [older], config: CONFIG }) };
    },
  };
  const left = await play('3', { shards: [first, other], missing: [] }, openStore(bare), () => {});
  assert.deepEqual(left, [
    'segment 2.0.1 was not counted again: its sequence numbers belong to another stream',
  ]);
});

test('an archive has no gaps, however old its records are', async () => {
  const aws = new FakeAws({ clock });
  for (const name of ['counts', 'ledger']) aws.dynamoDb.addTable(name, {});
  const past = {
    key: SHARD_KEY,
    ancestors: ['1.7' as typeof SHARD_KEY],
    first: undefined,
    segments: 2,
    async *read() {
      for (const segment of [1, 2]) {
        const records = [record(segment, { id: `${segment}` }, Date.now() - (9 - segment) * DAY_MS)];
        yield { segment, last: undefined, read: async () => ({ records, config: CONFIG }) };
      }
    },
  };
  const left = await play('3', { shards: [past], missing: [] }, openStore(stackOn(aws, aws)), () => {});
  assert.deepEqual(left, []);
  const keys = [...aws.dynamoDb.table('ledger').items()].map((item) => item['sk']?.S ?? '');
  assert.ok(keys.includes('HEAD'), String(keys));
  assert.deepEqual(
    keys.filter((key) => key.startsWith('GAP')),
    [],
  );
});
