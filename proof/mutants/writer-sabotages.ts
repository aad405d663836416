// The sabotages of the writer, of redrive and of the counter items.
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the texts to find and put are source code.
import { one, type Sabotage } from './sabotage.ts';

export const WRITER_SABOTAGES: readonly Sabotage[] = [
  one(
    'an hour takes open segments up',
    'lambdas/core/books.ts',
    'hoursWith(hours, settling)',
    'hoursWith(hours, following)',
  ),
  one(
    "hours by a segment's first arrival",
    'lambdas/core/hour-books.ts',
    'hourStartMs(entry.runMaxMs)',
    'hourStartMs(entry.minArrivalMs)',
  ),
  one('books forget open segments', 'lambdas/core/books.ts', '    else open.push(entry.segment);\n', ''),
  {
    ...one(
      'two keepers of the books',
      'lambdas/ledger/ledger-table.ts',
      "first ? 'attribute_not_exists(pk)' : 'revision = :previous'",
      "first ? 'attribute_not_exists(pk) OR attribute_exists(pk)' : 'revision = :previous OR attribute_exists(pk)'",
    ),
    harmless:
      'books are a sum over entries that stay: older books put back lead to the same status, only more slowly',
  },
  {
    ...one(
      'minutes of another hour',
      'lambdas/core/rollup.ts',
      'const minute = Math.floor(atMs / MINUTE_MS) - hour * 60;',
      'const minute = Math.ceil(atMs / MINUTE_MS) - hour * 60;',
    ),
    unexplored: 'every event happens on a whole minute',
  },
  one(
    'an acknowledgement makes an entry lost',
    'lambdas/core/segment-entry.ts',
    "if (entry.acked.has(part)) return 'counted';",
    "if (entry.acked.has(part) && entry.dead.size === 0) return 'counted';",
  ),
];
