// The sabotages of the adapters of DynamoDB: conditions dropped, pages and leftovers forgotten. The contract tests hunt them.
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the texts to find and put are source code.
import type { Sabotage } from './sabotage.ts';

const LEDGER = 'lambdas/aws/ledger-table.ts';
const LEDGER_ITEMS = 'lambdas/aws/ledger-items.ts';

function hunted(test: string) {
  return (name: string, file: string, find: string, put: string): Sabotage => ({
    name: `adapter: ${name}`,
    edits: [{ file, find, put }],
    tests: [`test/contract/${test}.test.ts`],
  });
}
const byLedger = hunted('ledger-table');
const byFaults = hunted('faulty-answers');

export const TABLE_SABOTAGES: readonly Sabotage[] = [
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
  byLedger(
    'what waits for an operator expires',
    LEDGER_ITEMS,
    "'ADD dead :parts REMOVE expiresAt'",
    "'ADD dead :parts'",
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
  byLedger('claim lowered', LEDGER, 'OR throughMs < :throughMs', 'OR throughMs <> :throughMs'),
  byLedger(
    'a refused claim taken for raised',
    LEDGER,
    'return raised ? throughMs : this.readClaim();',
    'return raised ? throughMs : throughMs;',
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
    LEDGER,
    'throw new MissingLedgerItem(',
    'return ids;\n        String(',
  ),
  byFaults(
    'unprocessed keys dropped',
    LEDGER,
    'keys = (UnprocessedKeys?.[this.#table]?.Keys ?? []) as Key[];',
    'keys = UnprocessedKeys === undefined ? [] : [];',
  ),
  byFaults('the head read from a stale replica', LEDGER, 'Key: key, ConsistentRead: true', 'Key: key'),
  byFaults(
    'entries read from a stale replica',
    LEDGER,
    '        ScanIndexForward: ascending,\n        ConsistentRead: true,\n',
    '        ScanIndexForward: ascending,\n',
  ),
];
