// The sabotages of completeThrough: claims that vouch for too much, or never come.
import { one, type Sabotage } from './sabotage.ts';

const CLAIM = 'lambdas/accountant/claim-completeness.ts';
const COMPLETENESS = 'lambdas/core/completeness.ts';

export const CLAIM_SABOTAGES: readonly Sabotage[] = [
  {
    ...one(
      'a parent looked at before it ended is taken for drained',
      COMPLETENESS,
      '  if (ending !== undefined && head?.segment !== ending) return false;\n',
      '',
    ),
    tests: ['test/proof/scenarios.test.ts'],
  },
  {
    ...one(
      'only shards with a segment vanish',
      COMPLETENESS,
      '({ shard, listed }) => !listed &&',
      '({ shard, listed, head }) => !listed && head !== undefined &&',
    ),
    tests: ['test/proof/scenarios.test.ts'],
  },
  {
    ...one(
      'what a vanished shard had planned stays planned',
      CLAIM,
      "if (planned?.status !== 'planned') continue;",
      'if (planned !== null) continue;',
    ),
    tests: ['test/proof/scenarios.test.ts'],
  },
  {
    ...one(
      'a shard is registered once its ancestors are finished',
      'lambdas/aggregator/aggregate.ts',
      '    await ledger.registerShard(shard);\n    ancestors = await finishAncestors({ ...batch, records: own }, beginning, ports, settings);\n',
      '    ancestors = await finishAncestors({ ...batch, records: own }, beginning, ports, settings);\n    await ledger.registerShard(shard);\n',
    ),
    tests: ['test/proof/scenarios.test.ts'],
  },
  one(
    'claim by sent instead of acknowledged',
    CLAIM,
    'entry !== undefined && (entry.lost || isSettled(entry));',
    'entry !== undefined;',
  ),
  one('holes ignored', CLAIM, 'if (missing !== undefined) return missing - 1;', 'void missing;'),
  one(
    'claim over the shards that have a head',
    COMPLETENESS,
    '.filter((one) => !(',
    '.filter((one) => one.head !== undefined && !(',
  ),
  one(
    'claim without the lineage',
    COMPLETENESS,
    '    succeed(parents);\n    for (const { shard } of head.ancestors) succeeded.add(shard);',
    '    for (const parent of parents) succeeded.add(parent);',
  ),
];
