// The query on real tables: compacted, half compacted, late and uncompacted rows, of every grain.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HOUR_MS, MINUTE_MS } from '../../lambdas/core/time.ts';
import { NO_WATERMARK } from '../../lambdas/core/watermark.ts';
import { LedgerTable } from '../../lambdas/ledger/ledger-table.ts';
import { parseCountQuery } from '../../lambdas/query/count-query.ts';
import { InvalidQuery } from '../../lambdas/query/invalid-query.ts';
import { readCounts } from '../../lambdas/query/read-counts.ts';
import { readTop } from '../../lambdas/query/read-top.ts';
import { parseTopQuery } from '../../lambdas/query/top-query.ts';
import { CompactionStateTable } from '../../lambdas/store/state-table.ts';
import { StoreTable } from '../../lambdas/store/store-table.ts';
import { assertPlainSum, ENTITIES, FOREVER, NOW_MS } from '../support/counted-questions.ts';
import { type Minutes, playWorld, type Step } from '../support/counted-world.ts';
import { startServices } from '../support/services.ts';

const services = await startServices();
const HOURLY_MS = [0, 1, 2, 30, 800, 3_000, 9_000].map((hours) => hours * HOUR_MS);

/** Eight entities in each of seven hours, up to a year ago, four times over. */
const minutes: Minutes = [1n, 10n, 100n, 1_000n].flatMap((n, round) =>
  HOURLY_MS.flatMap((agoMs) =>
    ENTITIES.map((entity) => [NOW_MS - 30_000 - agoMs - round * MINUTE_MS, n, entity] as const),
  ),
);
const segment = (is: 'settled' | 'stored', shard: 0 | 1, bits: number): Step => ({
  ...{ do: 'segment', shard, minutes: minutes.length / 4, bits, is, laterMs: HOUR_MS },
});
const epoch = (level: 'hours' | 'days' | 'months' | 'all', puts = Number.POSITIVE_INFINITY): Step => ({
  ...{ do: 'epoch', level, puts, bits: 2 },
});

test('an answer is the plain sum, and a top list says how far it goes', async () => {
  const clock = { nowMs: () => NOW_MS };
  const { dynamoDb } = services;
  const ledgerTable = await services.table();
  const counts = new StoreTable(dynamoDb, await services.table(), clock);
  const state = new CompactionStateTable(dynamoDb, ledgerTable);
  const watermarks = new LedgerTable(dynamoDb, ledgerTable, clock);
  const script = [
    ...[segment('settled', 0, 2), segment('stored', 1, 2), epoch('hours')],
    ...[epoch('days'), epoch('months'), epoch('all')],
    // Late for all levels; the second half of it is being merged into the days, and what follows into the hours.
    ...[
      segment('settled', 0, 0),
      epoch('hours'),
      epoch('days', 9),
      { do: 'settle' } as const,
      epoch('hours', 20),
    ],
  ];
  const startMs = NOW_MS - 6 * HOUR_MS;
  await playWorld({ minutes, script, retentions: FOREVER, startMs }, counts, state);
  await watermarks.putWatermark({ ...NO_WATERMARK, throughMs: NOW_MS - MINUTE_MS, revision: 1 });
  const { hours, days, late } = await state.readState();
  assert.ok(hours.plan !== undefined && days.plan !== undefined && late.days.epoch > days.hourEpoch);

  const ports = { watermarks, state, counts, hints: new Map(), clock };
  const settings = { acceptPastMs: undefined, acceptFutureMs: 0, retentions: FOREVER };
  const queries = ['minute', 'hour', 'day', 'week', 'month', 'total'].flatMap((by) =>
    ENTITIES.slice(0, 3).map((entity) => {
      const from = by === 'minute' || by === 'hour' ? '2026-11-20' : '2025-11-01';
      return parseCountQuery('view', entity, { by, from }, NOW_MS);
    }),
  );
  for (const read of await readCounts(queries, ports, settings)) {
    assert.ok(!(read instanceof InvalidQuery));
    assertPlainSum(read.answer, minutes);
    assert.equal(read.answer.completeThrough, new Date(NOW_MS - MINUTE_MS).toISOString());
  }

  const { answer } = await readTop(
    parseTopQuery('view', { by: 'total', k: '2' }, NOW_MS),
    { ...ports, tops: counts },
    settings,
  );
  // As of the first epoch: the level steps over the segment of the second shard, and nothing before it is missing.
  assert.deepEqual(answer.entries, [
    { entity: '/a', n: 7n },
    { entity: '/b', n: 7n },
  ]);
  assert.equal(answer.completeThrough, new Date(startMs).toISOString());
  assert.deepEqual(await counts.metrics(), ['view']);
});
