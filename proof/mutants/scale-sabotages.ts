// Mutations that show only beyond a page, a day, a month or a retention, or when an operator or a deployment comes between.
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the texts to find and put are source code.
import { one, type Sabotage } from './sabotage.ts';

const STORE = 'lambdas/store/store-table.ts';
const LEDGER = 'lambdas/ledger/ledger-table.ts';
const LEVEL = 'lambdas/core/level.ts';
const EPOCH = 'lambdas/compactor/run-epoch.ts';
const COMPACTION = 'lambdas/core/compaction.ts';
const FORGET = 'lambdas/deletion/forget-rows.ts';
const DELETE = 'lambdas/deletion/delete-entity.ts';
const BOUNDARIES = 'lambdas/core/boundaries.ts';

/** Small worlds are one minute long, and nobody operates them. */
const unexplored = 'it needs more records, time or hands than a small world has';

function hunted(test: string) {
  return (name: string, file: string, find: string, put: string): Sabotage => ({
    ...one(name, file, find, put),
    tests: [`test/${test}.test.ts`],
  });
}
const byDeletion = hunted('deletion/delete-entity');
const byRecount = hunted('recount/recount');
const byBoundaries = hunted('core/boundaries');

const SIMULATED: readonly Sabotage[] = [
  // Pages and chunks.
  one(
    'store: of the blocks asked for the first hundred only',
    STORE,
    'for (let at = 0; at < keys.length; at += BATCH_KEYS) {',
    'for (let at = 0; at < Math.min(1, keys.length); at += BATCH_KEYS) {',
  ),
  one('store: of a list the first page only', STORE, 'yield* Items;', '{ yield* Items; return; }'),
  one(
    'store: a top list without the blocks of split partitions',
    STORE,
    "for (const half of ['0', '1']) yield*",
    "for (const half of ['0']) yield*",
  ),
  one(
    'store: a delta as large as its segment',
    'lambdas/core/delta.ts',
    'const DELTA_BYTES_MAX = 100_000;',
    'const DELTA_BYTES_MAX = 100_000_000;',
  ),
  one(
    'store: a block that never splits',
    'lambdas/compactor/merge-period.ts',
    'return bytes > this.#settings.blockBytes && rows.size > 1 && range.length < HASH_BITS;',
    'return bytes > 100 * this.#settings.blockBytes && rows.size > 1 && range.length < HASH_BITS;',
  ),
  // Days, months and what expires.
  one(
    'levels: a month has thirty days',
    LEVEL,
    'cell: (atMs) => new Date(atMs).getUTCDate() - 1,',
    'cell: (atMs) => Math.min(29, new Date(atMs).getUTCDate()) - 1,',
  ),
  one(
    'levels: late rows count on the day of their arrival',
    EPOCH,
    'const startMs = periodStartMs(level, row.hour * HOUR_MS);',
    "const startMs = periodStartMs(level, level === 'days' ? plan.plannedAtMs : row.hour * HOUR_MS);",
  ),
  one(
    'expiry: blocks are deleted before they count as gone',
    LEVEL,
    'Math.ceil((goneMs + EXPIRY_GRACE_MS) / 1000)',
    'Math.ceil((goneMs - 4 * EXPIRY_GRACE_MS) / 1000)',
  ),
  one(
    'expiry: deltas are deleted before they are compacted',
    STORE,
    '(this.#clock.nowMs() + this.#deltaRetentionMs) / 1000',
    '(this.#clock.nowMs() + this.#deltaRetentionMs / 30_000) / 1000',
  ),
  one(
    'expiry: entries are deleted before their segment is settled',
    LEDGER,
    '(this.#clock.nowMs() + this.#retentionMs) / 1000',
    '(this.#clock.nowMs() + this.#retentionMs / 3_000) / 1000',
  ),
  one(
    'expiry: open segments are forgotten after a week',
    COMPACTION,
    'const open = covered.open.filter(({ shard, segment }) => !settled.has(`${shard} ${segment}`));',
    'const open = covered.open.filter(({ shard, segment, runMaxMs }) => !settled.has(`${shard} ${segment}`) && nowMs - runMaxMs < 604_800_000);',
  ),
  one(
    'expiry: levels above do not close where nothing arrives',
    COMPACTION,
    'return closesMs > head.closedBeforeMs && nowMs - head.plannedAtMs >= DAILY_MS;',
    'return false;',
  ),
  // The order of reading.
  one(
    'floor too high: deltas below it are not read',
    'lambdas/compactor/compact.ts',
    'const done = through[shard] ?? 0;',
    'const done = Math.max(through[shard] ?? 0, head.segment);',
  ),
  one(
    'query: a state that was overtaken is not noticed',
    'lambdas/query/read-blocks.ts',
    'if (block !== undefined && block.epoch > epoch + (plan === undefined ? 0 : 1)) {',
    'if (block !== undefined && block.epoch > epoch + 1_000) {',
  ),
  // Deployments.
  one(
    'acceptance: a raised acceptPast lets in what was too old',
    'lambdas/core/segment.ts',
    'config: keepingBoundaries(config, boundariesOf(head, ancestors)),',
    'config: { ...config, ...(boundariesOf(head, ancestors).length < 0 && keepingBoundaries(config, [])) },',
  ),
  one(
    'generation: an ended shard is not what the next one goes on from',
    'lambdas/core/generation.ts',
    'if (known !== undefined) return { place: { after: known.head.last }, before };',
    'if (known !== undefined) return { place: {}, before };',
  ),
  // Operators.
  one(
    'deletion: epochs do not ask the register',
    'lambdas/compactor/epoch-rows.ts',
    'this.#deletions.isEmpty\n',
    'this.#deletions.isEmpty || encoded.length > 0\n',
  ),
  one(
    'recount: upper levels compared with what the hours cover',
    'lambdas/recount/compare-blocks.ts',
    'const expected = levelSums(level, rows.of(level));',
    "const expected = levelSums(level, rows.of('hours'));",
  ),
].map((sabotage) => ({ ...sabotage, unexplored }));

export const SCALE_SABOTAGES: readonly Sabotage[] = [
  ...SIMULATED,
  byDeletion(
    'deletion: the blocks of the hours only',
    DELETE,
    'for (const level of LEVELS) {\n      options',
    "for (const level of ['hours'] as const) {\n      options",
  ),
  byDeletion('deletion: rows put aside stay', DELETE, 'await forgetting.late(lastEpoch);', 'void lastEpoch;'),
  byDeletion('deletion: deltas stay', DELETE, 'await forgetting.deltas();', ''),
  byDeletion(
    'deletion: a block rewritten whatever its epoch',
    FORGET,
    "if (block.epoch > state[period.level].epoch) return 'again';",
    '',
  ),
  byDeletion(
    'deletion: what arrived afterwards goes too',
    FORGET,
    'const rows = right === undefined ? others : [...others, right].sort(compareRows);',
    'const rows = right === undefined ? others : others.sort(compareRows);',
  ),
  byRecount(
    'recount: rows that no segment gives are not looked at',
    'lambdas/recount/compare-blocks.ts',
    'for (const name of other.keys()) if (one?.has(name) !== true) yield name;',
    'void other;',
  ),
  byRecount(
    'recount: segments that arrived before the hours are not looked at',
    'lambdas/recount/produce.ts',
    'toMs: runMaxMs + acceptFutureMs + 1,\n  };\n}\n\n/** Whether two',
    'toMs: runMaxMs + 1,\n  };\n}\n\n/** Whether two',
  ),
  byRecount(
    'repair: a phantom stays',
    'lambdas/recount/compare-blocks.ts',
    'if (sum === undefined) byName.delete(name);',
    'if (sum === undefined) continue;',
  ),
  {
    name: 'repair: a phantom goes up a level',
    edits: [
      {
        file: 'lambdas/recount/recount.ts',
        find: "import { makeTops } from '../store/make-tops.ts';\n",
        put:
          "import { makeTops } from '../store/make-tops.ts';\nimport { leavesIn } from '../store/leaf-blocks.ts';\n" +
          "import { WHOLE_RANGE } from '../core/hash-range.ts';\nimport { periodAt } from '../core/level.ts';\n",
      },
      {
        file: 'lambdas/recount/recount.ts',
        find: 'await repairPeriod(wrong, compaction, repair, this.#settings);',
        put:
          'await repairPeriod(wrong, compaction, repair, this.#settings);\n' +
          "    if (level !== 'hours') return this.#noteRepaired(wrong.differences);\n" +
          "    const period = periodAt('days', startMs);\n" +
          '    const leaves = await leavesIn(repair.store, [period], WHOLE_RANGE);\n' +
          '    const right = new Map(wrong.differences.map(({ metric, entity }) =>\n' +
          '      [`${metric}\\0${entity}`, { metric, entity, hour: 0, events: 1, cells: new Map([[0, 99n]]) }]));\n' +
          '    await repairPeriod({ ...wrong, period, leaves, right }, compaction, repair, this.#settings);',
      },
    ],
    tests: ['test/recount/recount.test.ts'],
  },
  byRecount(
    'repair: top lists stay as they were',
    'lambdas/recount/recount.ts',
    'await run.tops();',
    'void run;',
  ),
  byBoundaries(
    'retention: a raised setting brings back what is gone',
    BOUNDARIES,
    'const fromMs = Math.max(before.fromMs, nowMs - (retentionMs ?? Number.POSITIVE_INFINITY), ...reached);',
    'const fromMs = Math.max(0, nowMs - (retentionMs ?? Number.POSITIVE_INFINITY));',
  ),
  byBoundaries(
    'retention: what is stamped already lives by the new setting',
    BOUNDARIES,
    '...(isRaised && before.retentionMs !== undefined',
    '...(isRaised && before.retentionMs === undefined',
  ),
];
