// The sabotages of redrive's probe and of what an operator does to dead letters.
import type { Sabotage } from './sabotage.ts';

const REDRIVE = 'lambdas/redriver/redrive.ts';
const PROBE = 'lambdas/redriver/probe.ts';
const OPERATE = 'lambdas/redriver/operate.ts';
/** An operator's hand is too seldom cut off just there for seeds to see it. */
const DEAD_LETTER_TESTS = ['test/proof/dead-letters.test.ts'];
/** A probe that fails needs a table that answers one look and refuses the next write. */
const PROBE_TESTS = ['test/redriver/redrive.test.ts'];
const ENTRY = 'lambdas/core/segment-entry.ts';

function one(name: string, file: string, find: string, put: string): Sabotage {
  return { name: `redrive: ${name}`, edits: [{ file, find, put }] };
}

export const REDRIVE_SABOTAGES: readonly Sabotage[] = [
  one(
    'a probe that failed counts as written',
    REDRIVE,
    "if (outcome === 'written') decision = { to: 'store' };",
    "if (outcome !== undefined) decision = { to: 'store' };",
  ),
  {
    ...one(
      'a probe without time counts as written',
      PROBE,
      "return failure === undefined ? 'no-time' : { failure };",
      "return failure === undefined ? 'written' : { failure };",
    ),
    tests: PROBE_TESTS,
  },
  {
    ...one(
      'a probe that acknowledges at once',
      PROBE,
      '        failed = true;\n        throw error;\n',
      "        return 'applied';\n",
    ),
    tests: PROBE_TESTS,
  },
  {
    ...one(
      'discarded and not kept',
      OPERATE,
      '  await ports.parked.keepDiscarded(letter, discarding);\n',
      '',
    ),
    tests: DEAD_LETTER_TESTS,
  },
  {
    ...one(
      'discarded outweighs counted',
      ENTRY,
      "  if (entry.acked.has(part)) return 'counted';\n",
      "  if (entry.discarded.has(part)) return 'lost';\n  if (entry.acked.has(part)) return 'counted';\n",
    ),
    unexplored: 'nobody operates a small world',
  },
  {
    ...one(
      'discarded holds back the claim',
      'lambdas/accountant/claim-completeness.ts',
      'isOver(entry) || (entry !== undefined && isGivenUp(entry));',
      'isOver(entry) && (entry === undefined || isGivenUp(entry));',
    ),
    tests: DEAD_LETTER_TESTS,
  },
  {
    ...one(
      'replayed and the parked object deleted first',
      OPERATE,
      '  const { name: messageId, body, history } = letter;\n',
      '  await ports.parked.remove(letter.name);\n  const { name: messageId, body, history } = letter;\n',
    ),
    tests: DEAD_LETTER_TESTS,
  },
];
