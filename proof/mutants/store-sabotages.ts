// Sabotages of the store: deltas, blocks, epochs, and what is read of them.
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the texts to find and put are source code.
import { one, type Sabotage } from './sabotage.ts';

const STORE = 'lambdas/store/store-table.ts';
const STATE = 'lambdas/store/state-table.ts';
const WRITE = 'lambdas/writer/write.ts';
const OPERATE = 'lambdas/redriver/operate.ts';
const EPOCH_SEGMENTS = 'lambdas/core/compaction.ts';

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
];
