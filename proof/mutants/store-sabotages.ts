// Sabotages of the store: deltas, blocks, epochs, and what is read of them.
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the texts to find and put are source code.
import { one, type Sabotage } from './sabotage.ts';

const STORE = 'lambdas/store/store-table.ts';
const STATE = 'lambdas/store/state-table.ts';
const WRITE = 'lambdas/writer/write.ts';
const OPERATE = 'lambdas/redriver/operate.ts';
const EPOCH_SEGMENTS = 'lambdas/core/compaction.ts';
const COMPACT = 'lambdas/compactor/compact.ts';
const RUN_EPOCH = 'lambdas/compactor/run-epoch.ts';
const EPOCH_ROWS = 'lambdas/compactor/epoch-rows.ts';
const MERGE = 'lambdas/compactor/merge-period.ts';
const READ_COUNTS = 'lambdas/query/read-counts.ts';
const READ_SUMS = 'lambdas/query/read-sums.ts';
const READ_BLOCKS = 'lambdas/query/read-blocks.ts';
const READ_DELTAS = 'lambdas/query/read-deltas.ts';

export const STORE_SABOTAGES: readonly Sabotage[] = [
  one(
    'store: a delta is put unconditionally',
    STORE,
    "        ConditionExpression: 'attribute_not_exists(pk)',\n        ReturnValuesOnConditionCheckFailure: 'ALL_OLD',\n",
    '',
  ),
  one(
    'store: a tombstone is taken for a delta',
    STORE,
    "return there !== undefined && isTombstone(there) ? 'discarded' : 'stored';",
    "return there === undefined || isTombstone(there) ? 'stored' : 'stored';",
  ),
  one('store: acknowledged although not stored', WRITE, "results[index] === 'written'", 'index >= 0'),
  one(
    'store: discarded without a tombstone',
    OPERATE,
    'const outcome = await deltas.putTombstone(delta);',
    "const outcome = 'discarded' as 'discarded' | 'stored';",
  ),
  one(
    'store: a block is put unconditionally',
    STORE,
    "? ['epoch = :epoch AND attribute_not_exists(edit)', values]",
    "? ['attribute_exists(pk) OR (epoch = :epoch AND attribute_not_exists(edit))', values]",
  ),
  one(
    'store: an epoch is planned whatever is there',
    STATE,
    "ConditionExpression: conditions.join(' AND '),",
    "ConditionExpression: `attribute_exists(pk) OR attribute_not_exists(pk) OR (${conditions.join(' AND ')})`,",
  ),
  one(
    'store: late rows of the newest epoch left out',
    STORE,
    'if (after >= through) return;',
    'if (after + 1 >= through) return;',
  ),
  one(
    'store: unsettled segments are covered',
    EPOCH_SEGMENTS,
    '  return isGivenUp(entry);',
    '  return isGivenUp(entry) || entry.segment > 0;',
  ),
  one(
    'store: a tombstone expires',
    STORE,
    'await this.#putIfAbsent(deltaItem(name, undefined, undefined));',
    'await this.#putIfAbsent(deltaItem(name, undefined, Math.floor(this.#clock.nowMs() / 1000) + 3_600));',
  ),
  one(
    'store: discarded whether it was acknowledged or not',
    OPERATE,
    '  if (carried !== undefined && (await isCounted(carried, ports))) return',
    '  if (carried !== undefined && (await isCounted(carried, ports)) && carried.parts.length === 0) return',
  ),
  one(
    'store: a delta that is found while discarding is not acknowledged',
    OPERATE,
    'if (stored.length > 0) await ledger.acknowledge(segment, stored);',
    'void stored;',
  ),
  one(
    'store: a plan that another has finished raises the alarm',
    COMPACT,
    'if (!isRetried && epoch === state[level].epoch) throw error;',
    'if (!isRetried || epoch < 0) throw error;',
  ),
  one(
    'store: deltas that are gone are not missed',
    EPOCH_ROWS,
    'if (found.deltas !== deltas || found.events !== events) {',
    'if (found.deltas > deltas || found.events > events) {',
  ),
  one(
    'store: only deltas from the floor on are read',
    READ_DELTAS,
    '...[...earlierMs].map((runMaxMs) => [runMaxMs, runMaxMs] as const),',
    '...[...earlierMs].slice(0, 0).map((runMaxMs) => [runMaxMs, runMaxMs] as const),',
  ),
  one(
    'store: halves of a split are put unconditionally',
    STORE,
    "return ['attribute_not_exists(pk) OR epoch < :epoch', values];",
    "return ['attribute_not_exists(pk) OR epoch < :epoch OR epoch >= :epoch', values];",
  ),
  one(
    'store: a compactor splits by its own settings',
    COMPACT,
    'if (await runEpoch(state, level, ports, hasTime, report))',
    'const { blockBytes } = settings;\n    const own = { ...state[level], plan: state[level].plan && { ...state[level].plan, blockBytes } };\n    if (await runEpoch({ ...state, [level]: own }, level, ports, hasTime, report))',
  ),
  one(
    'store: a block of an unknown epoch is believed',
    READ_BLOCKS,
    'block.epoch > epoch + (plan === undefined ? 0 : 1)',
    'block.epoch > epoch + (plan === undefined ? 9 : 9)',
  ),
  one(
    "store: a block's plan is added to it once more",
    READ_SUMS,
    'return isPlanned && asked.walks.get(periodKey(periodAt(level, hourMs)))?.isAhead === true;',
    'return isPlanned && asked.walks.get(periodKey(periodAt(level, hourMs))) === undefined;',
  ),
  one(
    'store: the deltas of a plan are left out as soon as it is made',
    READ_SUMS,
    '?.isAhead === true;',
    '?.isDone === true;',
  ),
  {
    name: 'store: the claim is read after the counts',
    edits: [
      { file: READ_COUNTS, find: '  const claim = await ports.claims.readClaim();\n', put: '' },
      {
        file: READ_COUNTS,
        find: 'return await readAsOf(await ports.state.readState(), claim, queries, ports, settings);',
        put: 'const state = await ports.state.readState();\n      const early = { throughMs: 0, acceptedFromMs: 0, kept: undefined, revision: 0 };\n      const reads = await readAsOf(state, early, queries, ports, settings);\n      const { throughMs } = await ports.claims.readClaim();\n      const completeThrough = new Date(throughMs).toISOString();\n      return reads.map((read) =>\n        read instanceof InvalidCountQuery ? read : { ...read, answer: { ...read.answer, completeThrough } },\n      );',
      },
    ],
  },
  one(
    'store: a block takes an epoch that it has',
    MERGE,
    'const isDone = block !== undefined && block.epoch >= this.#settings.epoch;',
    'const isDone = block !== undefined && block.epoch > this.#settings.epoch;',
  ),
  one(
    'store: a split is marked before its halves are put',
    MERGE,
    "    if (split.upper !== undefined) await this.#putLeaf(split.upper);\n    await this.#put(split.range, 'split', split.condition);",
    "    await this.#put(split.range, 'split', split.condition);\n    if (split.upper !== undefined) await this.#putLeaf(split.upper);",
  ),
  one(
    'store: an epoch is done before its blocks are put',
    RUN_EPOCH,
    'await Promise.all([...merges.values()].map((merge) => limit(() => merge.finish())));',
    'void Promise.all([...merges.values()].map((merge) => limit(() => merge.finish())));',
  ),
  {
    name: 'store: an epoch is done whatever is there',
    edits: [
      {
        file: STATE,
        find: 'await this.#set(sets, [[level, revisionOf(state[level])]], {});',
        put: 'await this.#set(sets, [], {});',
      },
      {
        file: STATE,
        find: "ConditionExpression: conditions.join(' AND '),",
        put: "ConditionExpression: conditions.join(' AND ') || 'attribute_exists(pk)',",
      },
    ],
  },
];
