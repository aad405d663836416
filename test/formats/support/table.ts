// What a format makes of single lines, as a table: trait, line, the event or the reject that is expected, options.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type FormatRequest, readingPlan } from '../../../formats/detect.ts';
import type { Outcome } from '../../../formats/reading.ts';
import { RecordReader } from '../../../formats/records.ts';

/** When lines are from, unless a case says otherwise. */
export const NOON_MS = Date.parse('2026-11-03T12:00:00Z');
/** The same as the epoch's seconds, and as an access log writes it. */
export const at = '1793707200';
export const clf = '[03/Nov/2026:12:00:00 +0000]';

/** A line of a common access log, and one of a GET with more after it. */
export const logged = (request: string) => `::1 - - ${clf} "${request}" 200 5`;
export const got = (target: string, more = '') => `${logged(`GET ${target} HTTP/1.1`)}${more}`;

/** Fields of JSON lines, columns of CSV, and no filter. */
export const g: FormatRequest = { entity: 'g', time: 't' };
export const csv: FormatRequest = { entity: '1', time: '2' };
export const any: FormatRequest = { where: ['any'] };

/** Reads a whole file as an import does: the format is found out unless it is named. */
export function outcomesOf(text: string | Buffer, request: FormatRequest = {}): Outcome[] {
  const bytes = Buffer.from(text as string);
  const plan = readingPlan(request, bytes, true, 'file');
  if (plan === undefined) return [];
  const reader = new RecordReader(plan, 'view');
  return [...reader.push(bytes), ...reader.end()].flatMap(({ outcomes }) => outcomes);
}

/** `ENTITY TIME` of events, without the time at noon; the kind of everything else, with the reason of what is malformed. */
function told(outcome: Outcome): string {
  if (outcome.kind !== 'event')
    return 'reason' in outcome ? `${outcome.kind}: ${outcome.reason}` : outcome.kind;
  if (outcome.at === NOON_MS) return outcome.entity;
  return `${outcome.entity} ${new Date(outcome.at).toISOString().replace('.000Z', 'Z')}`;
}

type Case = readonly [
  trait: string,
  line: string | Buffer,
  expected: string | readonly string[],
  request?: FormatRequest,
];

/** A test of each case. @param general what each case asks for, unless it says otherwise */
export function table(name: string, cases: readonly Case[], general: FormatRequest = {}): void {
  describe(name, () => {
    for (const [trait, line, expected, request] of cases) {
      test(trait, () => {
        const found = outcomesOf(line, { ...general, ...request }).map(told);
        assert.deepEqual(found, typeof expected === 'string' ? [expected] : expected);
      });
    }
  });
}
