// The sabotages of the aggregator and of what it relies on, each of which must break a promise.
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the texts to find and put are source code.

import { one, type Sabotage } from './sabotage.ts';

const AGGREGATE = 'lambdas/aggregator/aggregate.ts';
const WINDOWS = 'lambdas/aggregator/windows.ts';
const LEDGER = 'lambdas/ledger/ledger-table.ts';
const ROLLUP = 'lambdas/core/rollup.ts';

const MARK = '  const sent = await markSent(shard, head, entry, ledger);\n';
const PUT_ENTRY = 'const existing = await ledger.putEntryIfAbsent(shard, entry);';

export const AGGREGATOR_SABOTAGES: readonly Sabotage[] = [
  one(
    'plan unconditional',
    LEDGER,
    "follows ? '#segment = :previous AND #status = :sent' : 'attribute_not_exists(pk)',",
    "follows ? '(#segment = :previous AND #status = :sent) OR attribute_exists(pk)' : 'attribute_not_exists(pk) OR attribute_exists(pk)',",
  ),
  one(
    'sent unconditional',
    LEDGER,
    "'#segment = :segment AND #status = :planned'",
    "'(#segment = :segment AND #status = :planned) OR attribute_exists(pk)'",
  ),
  one(
    'SEG clobbered',
    LEDGER,
    "      Item: entryItem(shard, entry, this.#expiresAt()),\n      ConditionExpression: 'attribute_not_exists(pk)',\n",
    '      Item: entryItem(shard, entry, this.#expiresAt()),\n',
  ),
  one(
    'recover from the batch',
    AGGREGATE,
    'const atHand = plannedRecords(head, batch.records);',
    'const atHand = batch.records.length > 0 ? batch.records : undefined;',
  ),
  one(
    'stop at an empty page',
    'lambdas/aws/stream-log.ts',
    'if (records.length === 0 && page.MillisBehindLatest === 0) return;',
    'if (records.length === 0) return;',
  ),
  one(
    'no recovery',
    AGGREGATE,
    'head = await recover(batch, head, ports, settings);',
    'head = await markSent(shard, head, lostEntry(head), ports);',
  ),
  one(
    'whole batch instead of fresh',
    AGGREGATE,
    'const fresh = recordsAfter(own, head?.last);',
    'const fresh = own;',
  ),
  one(
    'lost race taken as success',
    AGGREGATE,
    'if (head === undefined || !isSamePlan(head, plan)) continue;',
    "return 'done';",
  ),
  one(
    'lost race with own range',
    AGGREGATE,
    'if (head === undefined || !isSamePlan(head, plan)) continue;',
    'if (head === undefined) continue;',
  ),
  one(
    'sent despite failed entries',
    'lambdas/aws/rollup-queue.ts',
    'missing = missing.filter((_, index) => !sent.has(String(index)));',
    'missing = [];',
  ),
  one(
    'success right after the plan',
    AGGREGATE,
    'head = await commit(shard, plan, records, ports, settings);',
    "return 'done';",
  ),
  one('checkpoint past a failure', AGGREGATE, 'return { resumeAt: first.sequenceNumber };', "return 'done';"),
  one('SEG skipped', AGGREGATE, PUT_ENTRY, 'const existing = undefined as SegmentEntry | undefined;'),
  {
    name: 'SEG after sent',
    edits: [
      { file: AGGREGATE, find: PUT_ENTRY, put: 'const existing = undefined as SegmentEntry | undefined;' },
      { file: AGGREGATE, find: MARK, put: `${MARK}  await ledger.putEntryIfAbsent(shard, entry);\n` },
    ],
  },
  one('no window', ROLLUP, '!ids.add(id) || window.seen(id)', '!ids.add(id)'),
  one(
    'dropped duplicates do not enter the window',
    ROLLUP,
    '!ids.add(id) || window.seen(id)',
    'window.seen(id) || !ids.add(id)',
  ),
  one(
    'stale cache',
    WINDOWS,
    'if (window.to !== to || !window.reachesBackTo(sinceMs)) {',
    'if (window.to === 0) {',
  ),
  one(
    'window as of now, not of the plan',
    AGGREGATE,
    'await windows.before(shard, head, ledger)',
    'await windows.before(shard, { ...head, minArrivalMs: clock.nowMs() }, ledger)',
  ),
  one(
    'window of half its length',
    WINDOWS,
    'plan.minArrivalMs - plan.config.dedupWindowMs',
    'plan.runMaxMs - plan.config.dedupWindowMs / 2',
  ),
  one(
    "window from the segment's last arrival",
    WINDOWS,
    'plan.minArrivalMs - plan.config.dedupWindowMs',
    'plan.runMaxMs - plan.config.dedupWindowMs',
  ),
  one(
    "window by the segment's own last arrival",
    'lambdas/core/segment.ts',
    'runMaxMs: Math.max(runMaxBeforeMs, maxArrivalMs),',
    'runMaxMs: last.arrivalMs,',
  ),
  one(
    'early child',
    AGGREGATE,
    'ancestors = await finishAncestors({ ...batch, records: own }, beginning, ports, settings);',
    'ancestors = [];',
  ),
  one('no parent window', WINDOWS, 'of plan.ancestors) {', 'of plan.ancestors.slice(0, 0)) {'),
  one(
    'no grandparents',
    AGGREGATE,
    'for (const ancestor of older) ancestors.set(ancestor.shard, ancestor);',
    'void older;',
  ),
  one(
    'configuration of the recovery, not of the plan',
    AGGREGATE,
    'const atHand = plannedRecords(head, batch.records);',
    'head = { ...head, config: settings.rollup };\n  const atHand = plannedRecords(head, batch.records);',
  ),
  {
    ...one('a trimmed plan is waited for', AGGREGATE, 'if (!range.trimmed) {', 'if (range !== undefined) {'),
    unexplored: 'nothing is trimmed in a small world',
  },
  {
    ...one(
      'no gap noted',
      AGGREGATE,
      'await noteGapBefore(own, shard, known, ports, settings);',
      'void noteGapBefore;',
    ),
    unexplored: 'nothing is trimmed in a small world',
  },
  {
    ...one(
      'sequence numbers compared as text',
      'lambdas/core/identifiers.ts',
      'if (a.length !== b.length) return a.length - b.length;',
      '',
    ),
    unexplored: 'all numbers have one length',
  },
  one(
    'segment number not unique to a shard',
    'lambdas/core/identifiers.ts',
    '.${segment.toString(36)}` as SegmentId;',
    '.${segment.toString(36)}`.replace(/[.]./, ".0") as SegmentId;',
  ),
  {
    ...one(
      "a plan of mine is taken for another's",
      AGGREGATE,
      'if (head === undefined || !isSamePlan(head, plan)) continue;',
      'continue;',
    ),
    harmless:
      'the loop finds the head planned and recovers it from the batch at hand: the same segment, one write more',
  },
];
