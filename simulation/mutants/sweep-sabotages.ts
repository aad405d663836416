// The sabotages of the sweep: what is pending, up to which hash it is done, and steps that are cut short.
import { one, type Sabotage } from './sabotage.ts';

const COMPACT = 'lambdas/compactor/compact.ts';
const STEP = 'lambdas/compactor/take-step.ts';
const WORK_OFF = 'lambdas/compactor/work-off.ts';
const CURSOR = 'lambdas/counting/level-cursor.ts';
const SWEEP = 'lambdas/counting/sweep.ts';

const SABOTAGES: readonly Sabotage[] = [
  one(
    'sweep: cursor moved before the last pass',
    COMPACT,
    'const isWhole = lastHash < doneBelow;',
    'const isWhole = doneBelow > 0 || lastHash < 0;',
  ),
  {
    name: 'sweep: what is held as of the last look',
    edits: [
      {
        file: STEP,
        find: '  if (cursor.pending !== undefined) return goOn(shard, cursor, cursor.pending, interval, pass);\n',
        put: '  void goOn;\n  if (cursor.pending !== undefined) return lookFirst(shard, cursor, interval, pass);\n',
      },
      {
        file: STEP,
        find: 'new TouchedLists(shard, 0,',
        put: 'new TouchedLists(shard, cursor.pending?.doneBelow ?? 0,',
      },
    ],
  },
  one(
    'sweep: a portion without time taken for done',
    WORK_OFF,
    'const doneBelow = at === 0 ? 0 : (portion[0]?.hash ?? 0);',
    'const doneBelow = portion.at(-1)?.hash ?? 0;',
  ),
  {
    name: 'sweep: months take what the days have pending',
    edits: [
      {
        file: STEP,
        find: "const last = level === 'months' ? days.through : lastEntered(head);",
        put: "const last = level === 'months' ? (days.pending?.through ?? days.through) : lastEntered(head);",
      },
      {
        file: CURSOR,
        find: '  if (segment > days.through) return 0;\n',
        put: '  if (segment > (days.pending?.through ?? days.through)) return 0;\n',
      },
    ],
  },
  one('sweep: what was dropped is forgotten', SWEEP, '    this.#bound = bound;\n', ''),
  one(
    'sweep: a step that was cut goes on as if it was whole',
    STEP,
    'const step = isCut ? cutStep(cursor, pending, through, looked) : pending;',
    'void cutStep;\n  const step = pending;',
  ),
  {
    // Seeds seldom have several segments that come back together, and no time for all of them.
    ...one(
      'sweep: open segments that were not looked at are held',
      CURSOR,
      'again: again.filter(({ segment }) => looked.has(segment)),',
      'again,',
    ),
    tests: ['test/compactor/sweep.test.ts'],
  },
  one(
    'sweep: a first look that was cut goes to the end',
    STEP,
    '  if (!more && !waiting) {\n',
    '  if (!waiting) {\n',
  ),
  one('sweep: only the first sum of an item', SWEEP, '          held.sums |= sum;\n', ''),
];

export const SWEEP_SABOTAGES: readonly Sabotage[] = SABOTAGES.map((sabotage) => ({
  ...sabotage,
  unexplored: 'no compactor runs in the small worlds',
}));
