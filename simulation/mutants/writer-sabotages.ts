// The sabotages of the writer, of redrive and of the counter items.
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the texts to find and put are source code.
import { one, type Sabotage } from './sabotage.ts';

const WRITE = 'lambdas/writer/write.ts';
const REDRIVE = 'lambdas/redriver/redrive.ts';
const COUNTER = 'lambdas/counting/counter-item.ts';
const COUNTERS = 'simulation/world/counters.ts';

const ACKNOWLEDGE = '  await acknowledge(parts, ports, report, limit);\n';
const PLAN_WORK = '  const work = await planWork(parts, ports, settings, report);\n';
const GIVE_BACK = '    await deadLetters.giveBack(letter, decision.history, decision.delayMs);\n';
const REMOVE = '  await deadLetters.remove(letter);\n';
const RETURNED = "    await ledger.notePlace(partNameIn(letter), 'returned');\n";

export const WRITER_SABOTAGES: readonly Sabotage[] = [
  one(
    'ADD unconditional',
    COUNTER,
    "ConditionExpression: conditions.join(' AND '),",
    "ConditionExpression: conditions.join('').slice(0, 0),",
  ),
  one(
    'high-water mark',
    COUNTERS,
    'if (!conditionHolds(params, item)) return new Set(item.applied);',
    'if (!conditionHolds(params, item) || [...item.applied].some((id) => id >= (update.segments[0] ?? ""))) return new Set([...item.applied, ...update.segments]);',
  ),
  one(
    'only the first segment in the condition',
    COUNTER,
    "conditions.join(' AND ')",
    "conditions.slice(0, 1).join(' AND ')",
  ),
  one('a coalesced failure taken as all applied', WRITE, '    missing = rest;\n', '    return;\n'),
  one(
    'a coalesced failure sent again whole',
    WRITE,
    '    missing = rest;\n',
    '    missing = rest;\n    if (rest.length > 0) {\n      for (const left of rest) await counters.apply(counterUpdate(item.key, [left, left], item.expiresAt));\n      return;\n    }\n',
  ),
  one(
    'copies summed',
    WRITE,
    'const name = `${content.segment}/${content.part}`;',
    'const name = `${content.segment}/${content.part}/${message.receiptHandle}`;',
  ),
  {
    name: 'acknowledged before applied',
    edits: [
      { file: WRITE, find: ACKNOWLEDGE, put: '' },
      { file: WRITE, find: PLAN_WORK, put: `${PLAN_WORK}${ACKNOWLEDGE}` },
    ],
  },
  one(
    'deleted before acknowledged',
    WRITE,
    '          report.partsAcknowledged += written.length;\n        } catch (failure) {\n          for (const part of written) part.failure = failure;',
    '          report.partsAcknowledged += written.length;\n        } catch {\n          report.delayFailed += 0;',
  ),
  one(
    'a failed row is no failure',
    WRITE,
    '          for (const { part } of item.contributions) part.failure = failure;',
    '          report.failures.push(String(failure));',
  ),
  one(
    'deferred parts acknowledged',
    WRITE,
    'if (part.failure !== undefined || part.deferred) continue;',
    'if (part.failure !== undefined) continue;',
  ),
  one(
    'failed messages not asked for again',
    WRITE,
    '  retry.push(message.messageId);\n  report.delayed += 1;',
    '  report.delayed += 1;',
  ),
  one(
    'not buried and yet deleted',
    WRITE,
    '    report.failures.push(`not buried: ${String(error)}`);\n    retry.push(message.messageId);',
    '    report.failures.push(`not buried: ${String(error)}`);',
  ),
  {
    name: 'redrive deletes first',
    edits: [
      { file: REDRIVE, find: REMOVE, put: '' },
      { file: REDRIVE, find: RETURNED, put: `${REMOVE}${RETURNED}` },
      {
        file: REDRIVE,
        find: '    await deadLetters.park(letter, decision.history);\n',
        put: `${REMOVE}    await deadLetters.park(letter, decision.history);\n`,
      },
    ],
  },
  {
    name: 'redrive multiplies copies',
    edits: [
      { file: REDRIVE, find: RETURNED, put: '' },
      { file: REDRIVE, find: GIVE_BACK, put: `${GIVE_BACK}${RETURNED}` },
      {
        file: REDRIVE,
        find: 'if (!(await ports.tables.isHealthy()))',
        put: 'if (ports.tables === undefined)',
      },
    ],
    // Rounds are bounded, and a probe that fails ends the run: the copies only take longer to go.
    tests: ['test/redriver/redrive.test.ts'],
  },
  one(
    'parked and not noted',
    REDRIVE,
    "if (!decision.history.poison) await ledger.notePlace(partNameIn(letter), 'parked');",
    '',
  ),
  {
    ...one(
      'expired items are written again',
      COUNTER,
      'return expiresAt !== undefined && nowMs >= expiresAt * 1000 - EXPIRY_MARGIN_MS;',
      'return nowMs < 0 && expiresAt !== undefined;',
    ),
    unexplored: 'counters are kept for ever',
  },
  {
    ...one(
      'copies of counted parts count as expired',
      WRITE,
      "if ((await ledger.noteExpired(content, events)) === 'acknowledged') continue;",
      'await ledger.noteExpired(content, events);',
    ),
    // The ledger refuses the note; what is left is an object too many in the archive.
    tests: ['test/writer/write.test.ts'],
  },
  {
    ...one(
      'expired without being kept',
      WRITE,
      '      await expired.keepExpired({ ...content, rows: late });\n',
      '',
    ),
    unexplored: 'counters are kept for ever',
  },
  one(
    'an hour takes open segments up',
    'lambdas/counting/books.ts',
    'hoursWith(hours, settling)',
    'hoursWith(hours, following)',
  ),
  one(
    "hours by a segment's first arrival",
    'lambdas/counting/hour-books.ts',
    'hourStartMs(entry.runMaxMs)',
    'hourStartMs(entry.minArrivalMs)',
  ),
  one('books forget open segments', 'lambdas/counting/books.ts', '    else open.push(entry.segment);\n', ''),
  {
    ...one(
      'two keepers of the books',
      'simulation/world/ledger.ts',
      'if (stored.books.revision !== books.revision - 1) return false;',
      '',
    ),
    harmless:
      'books are a sum over entries that stay: older books put back lead to the same status, only more slowly',
  },
  {
    ...one(
      'minutes of another hour',
      'lambdas/counting/time.ts',
      'return Math.floor(atMs / MINUTE_MS) % 60;',
      'return Math.ceil(atMs / MINUTE_MS) % 60;',
    ),
    unexplored: 'every event happens on a whole minute',
  },
  one(
    'an acknowledgement makes an entry lost',
    'lambdas/counting/segment-entry.ts',
    "if (entry.acked.has(part)) return 'counted';",
    "if (entry.acked.has(part) && entry.dead.size === 0) return 'counted';",
  ),
];
