// The sabotages of the adapters of DynamoDB: conditions dropped, pages and leftovers forgotten. The contract tests hunt them.
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the texts to find and put are source code.
import type { Sabotage } from './sabotage.ts';

const LEDGER = 'lambdas/ledger/ledger-table.ts';
const LEDGER_ITEMS = 'lambdas/ledger/ledger-items.ts';

function hunted(test: string) {
  return (name: string, file: string, find: string, put: string): Sabotage => ({
    name: `adapter: ${name}`,
    edits: [{ file, find, put }],
    tests: [`test/contract/${test}.test.ts`],
  });
}
const byLedger = hunted('ledger-table');
const byFaults = hunted('faulty-answers');

const LEDGER_SABOTAGES: readonly Sabotage[] = [
  byLedger(
    'plan unconditional',
    LEDGER,
    "follows ? '#segment = :previous AND #status = :sent' : 'attribute_not_exists(pk)',",
    "follows ? '(#segment = :previous AND #status = :sent) OR attribute_exists(pk)' : 'attribute_not_exists(pk) OR attribute_exists(pk)',",
  ),
  byLedger(
    'plan put onto a head that is not sent',
    LEDGER,
    "'#segment = :previous AND #status = :sent'",
    "'#segment = :previous AND (#status = :sent OR attribute_exists(pk))'",
  ),
  byLedger(
    'sent unconditional',
    LEDGER,
    "'#segment = :segment AND #status = :planned'",
    "'(#segment = :segment AND #status = :planned) OR attribute_exists(pk)'",
  ),
  byLedger(
    'SEG clobbered',
    LEDGER,
    "      Item: entryItem(shard, entry, this.#expiresAt()),\n      ConditionExpression: 'attribute_not_exists(pk)',\n",
    '      Item: entryItem(shard, entry, this.#expiresAt()),\n',
  ),
  byLedger(
    'an acknowledgement makes up an entry',
    LEDGER,
    "        UpdateExpression: update,\n        ConditionExpression: 'attribute_exists(pk)',\n",
    '        UpdateExpression: update,\n',
  ),
  byLedger(
    'copies of counted parts count as expired',
    LEDGER,
    "'attribute_exists(pk) AND NOT contains(acked, :part)'",
    "'attribute_exists(pk) AND (NOT contains(acked, :part) OR attribute_exists(pk))'",
  ),
  byLedger('a gap shrinks', LEDGER, 'OR #before < :before', 'OR #before <> :before'),
  byLedger(
    'a gap keeps its first extent',
    LEDGER,
    'OR #before < :before',
    'OR (#before < :before AND attribute_not_exists(pk))',
  ),
  byLedger(
    'gaps of different lengths compare as text',
    LEDGER_ITEMS,
    "before.padStart(SEQUENCE_NUMBER_DIGITS, '0')",
    "before.padStart(0, '0')",
  ),
  byLedger(
    'books without revision',
    LEDGER,
    "first ? 'attribute_not_exists(pk)' : 'revision = :previous'",
    "first ? 'attribute_not_exists(pk) OR attribute_exists(pk)' : 'revision = :previous OR attribute_exists(pk)'",
  ),
  byLedger(
    'only the first page of entries',
    LEDGER,
    'for await (const { Items = [] } of pages) for (const item of Items) yield entryOf(item);',
    'for await (const { Items = [] } of pages) {\n      for (const item of Items) yield entryOf(item);\n      return;\n    }',
  ),
  byLedger(
    'only the first hundred entries by name',
    LEDGER,
    'for (let at = 0; at < segments.length; at += 100) {',
    'for (let at = 0; at < 1; at += 100) {',
  ),
  byLedger(
    'only the first chunk of ids',
    LEDGER,
    'for (let chunk = 0; chunk * idsChunkBytes < ids.byteLength; chunk += 1) {',
    'for (let chunk = 0; chunk < 1; chunk += 1) {',
  ),
  byLedger(
    'missing ids taken for none',
    'lambdas/ledger/ledger-window.ts',
    '  if (ids === undefined)\n    throw new MissingLedgerItem(',
    '  if (ids === undefined)\n    return new Uint8Array();\n  String(',
  ),
  byFaults(
    'unprocessed keys dropped',
    LEDGER,
    'keys = (UnprocessedKeys?.[this.#table]?.Keys ?? []) as Key[];',
    'keys = UnprocessedKeys === undefined ? [] : [];',
  ),
  byFaults('the head read from a stale replica', LEDGER, 'Key: key, ConsistentRead: true', 'Key: key'),
];

const byWindow = hunted('ledger-window');
const byGenerations = hunted('generations');
const LEDGER_WINDOW = 'lambdas/ledger/ledger-window.ts';
const BEGIN = 'lambdas/aggregator/begin-shard.ts';

/** What shows only beyond a page, a batch, or at a change of generation. */
const LARGE_SABOTAGES: readonly Sabotage[] = [
  byWindow(
    'of a window the ids of the first 64 segments only',
    LEDGER_WINDOW,
    'const segments = entries.filter(',
    'const segments = entries.slice(0, 64).filter(',
  ),
  byWindow(
    'a window read all at once',
    LEDGER_WINDOW,
    'const STRETCHES_AT_ONCE = 4;',
    'const STRETCHES_AT_ONCE = 400;',
  ),
  byWindow(
    'of a window the first page of entries only',
    LEDGER_WINDOW,
    'if (LastEvaluatedKey === undefined) return;',
    'if (LastEvaluatedKey !== null) return;',
  ),
  byWindow(
    'ids grouped by other digits than they are read by',
    LEDGER_ITEMS,
    'segment: Number(segment), chunk',
    'segment: Number.parseInt(segment ?? "", 36), chunk',
  ),
  byWindow(
    'the first chunk of ids taken for all',
    LEDGER_WINDOW,
    'for (let chunk = 0; at < idBytes; chunk += 1) {',
    'for (let chunk = 0; at < idBytes && chunk < 1; chunk += 1) {',
  ),
  byGenerations(
    'the old generation goes on',
    BEGIN,
    "if ((await ledger.endHead(shard, ended)) === 'ended') return ended;",
    'return ended;',
  ),
  byGenerations(
    'what the old generation has planned is not finished',
    BEGIN,
    '      await finish();\n      continue;\n',
    "      return { ...head, status: 'ended' };\n",
  ),
  byGenerations(
    'a new generation reads closed shards from the oldest record',
    'lambdas/core/generation.ts',
    'if (known !== undefined) return { place: { after: known.head.last }, before };',
    'if (known !== undefined) return { place: {}, before };',
  ),
  byGenerations(
    'a new generation forgets the ids of the old one',
    'lambdas/aggregator/aggregate.ts',
    'if (before !== undefined) take(before.head.ancestors, before.shard, before.head);',
    'void before;',
  ),
  byGenerations(
    'records from before the time are counted',
    'lambdas/core/generation.ts',
    '(fromMs === undefined || arrivalMs >= fromMs),',
    '(fromMs === undefined || arrivalMs >= 0),',
  ),
];

export const TABLE_SABOTAGES: readonly Sabotage[] = [...LEDGER_SABOTAGES, ...LARGE_SABOTAGES];
