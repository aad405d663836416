// The sabotages of the levels: what segments touch, cursors, recomputing, claims.
import { one, type Sabotage } from './sabotage.ts';

const AGGREGATE = 'lambdas/aggregator/aggregate.ts';
const RECOMPUTE = 'lambdas/compactor/recompute.ts';
/** Two compactors over one item, step by step: seeds meet that too seldom. */
const RECOMPUTE_TESTS = ['test/compactor/recompute.test.ts'];
const STEP = 'lambdas/compactor/take-step.ts';
const COMPACT = 'lambdas/compactor/compact.ts';
const CLAIM = 'lambdas/compactor/claim-levels.ts';
const CURSOR = 'lambdas/counting/level-cursor.ts';
const LEVELS = 'lambdas/counting/levels.ts';
const TOUCHED = 'lambdas/counting/touched-counters.ts';

const PUT_TOUCHED = '  await ledger.putTouched(shard, head.segment, output.touched);\n';
const MARK = '  const sent = await markSent(shard, head, entry, ledger);\n';
const WORK_OFF = 'await workOff(sweep, limit, ports, settings, hasTime, report);\n';

const SABOTAGES: readonly Sabotage[] = [
  one(
    'levels: added to instead of set',
    RECOMPUTE,
    'const change = { name, sums, revision',
    'const change = { name, sums: new Map([...sums].map(([at, n]) => [at, n + (item?.sums.get(at) ?? 0n)])), revision',
  ),
  one(
    'levels: condition on the revision dropped',
    LEVELS,
    "ConditionExpression: revision > 0 ? 'rev = :read' : 'attribute_not_exists(pk)',",
    "ConditionExpression: '',",
  ),
  {
    ...one(
      'levels: sources read before the item',
      RECOMPUTE,
      '    const item = await levels.readLevel(name);\n    const sums = await sources();\n',
      '    const sums = await sources();\n    const item = await levels.readLevel(name);\n',
    ),
    tests: RECOMPUTE_TESTS,
  },
  {
    ...one(
      'levels: what says so already is not set',
      RECOMPUTE,
      '    if (sums.size === 0) return item?.sums ?? sums;\n',
      '    if (changedSums(item, sums).size === 0) return item?.sums ?? sums;\n',
    ),
    tests: RECOMPUTE_TESTS,
  },
  {
    ...one(
      'levels: a conflict taken as done',
      RECOMPUTE,
      '    report.conflicts += 1;\n',
      '    report.conflicts += 1;\n    return undefined;\n',
    ),
    tests: RECOMPUTE_TESTS,
  },
  one(
    'levels: open segments forgotten',
    CURSOR,
    'open: [...looked, ...step.taken].filter(({ held }) => held !== ALL_PARTS),',
    'open: [],',
  ),
  one(
    'levels: open segments never looked at again',
    STEP,
    '    again.push({ segment: entry.segment, held });\n    more = (await lists.show(entry)) && !mayGoOn();\n',
    '    again.push({ segment: entry.segment, held });\n',
  ),
  one(
    'levels: months forget what the days have open',
    CURSOR,
    'return days.open.find((open) => open.segment === segment)?.held ?? ALL_PARTS;',
    'return ALL_PARTS;',
  ),
  {
    ...one(
      'levels: months ahead of the days',
      STEP,
      "const last = level === 'months' ? days.through : lastEntered(head);",
      'const last = lastEntered(head);',
    ),
    harmless:
      'of a segment that the days have not seen they hold nothing, so it stays open for the months, and is looked at again',
  },
  one(
    'levels: unsettled segments taken as settled',
    STEP,
    'taken.push({ segment: entry.segment, held });',
    'taken.push({ segment: entry.segment, held: ALL_PARTS });',
  ),
  {
    name: 'levels: cursor moved before anything is recomputed',
    edits: [
      {
        file: COMPACT,
        find: `    const { doneBelow, failure } = ${WORK_OFF}`,
        put: '    const doneBelow = sweep.bound;\n',
      },
      {
        file: COMPACT,
        find: '    if (failure !== undefined)',
        put: `    const { failure } = ${WORK_OFF}    if (failure !== undefined)`,
      },
    ],
  },
  {
    // A cursor that steps back only has work done again, which the simulation can not hold against it.
    ...one(
      'levels: cursor put without its condition',
      'lambdas/aws/level-ledger.ts',
      "ConditionExpression: first ? 'attribute_not_exists(pk)' : 'revision = :previous',",
      '',
    ),
    tests: ['test/contract/compactor.test.ts'],
  },
  one(
    'levels: claimed by what was seen, settled or not',
    CLAIM,
    'const done = wholePrefix(cursor, ({ segment, held }) => {',
    'const done = cursor.through;\n    void wholePrefix(cursor, ({ segment, held }) => {',
  ),
  one(
    'levels: claimed past segments that are given up, counted meanwhile or not',
    CLAIM,
    ' && entry.acked.size === held;',
    ';',
  ),
  one(
    'levels: claimed as completeThrough is',
    CLAIM,
    'const throughMs = completeThroughMs(shards);',
    'const { throughMs } = await progress.readClaims();',
  ),
  {
    name: 'levels: touched counters kept after the segment is sent',
    edits: [
      { file: AGGREGATE, find: PUT_TOUCHED, put: '' },
      { file: AGGREGATE, find: MARK, put: `${MARK}${PUT_TOUCHED}` },
    ],
  },
  one(
    'levels: one chunk of touched counters kept',
    AGGREGATE,
    'output.touched);',
    'output.touched.slice(0, 0));',
  ),
  one(
    'levels: the first entity of an hour touched',
    TOUCHED,
    'entities.add(row.entity);',
    'if (entities.size === 0) entities.add(row.entity);',
  ),
  one('levels: hours of another day', RECOMPUTE, 'if (!wanted.has(hourMs)) continue;', ''),
  one(
    'levels: only the first item of an hour',
    RECOMPUTE,
    'let sum = sums.get(hourMs) ?? 0n;',
    'let sum = 0n;',
  ),
  one(
    'levels: the total is left out',
    RECOMPUTE,
    '  await settle(total, monthSum, ports, settings, report);\n',
    '',
  ),
];

export const LEVEL_SABOTAGES: readonly Sabotage[] = SABOTAGES.map((sabotage) => ({
  ...sabotage,
  unexplored: 'no compactor runs in the small worlds',
}));
