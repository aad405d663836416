import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { LATEST_INSTANT_MS, parseInstant } from '../../lambdas/core/time.ts';

const instants = fc.integer({ min: 0, max: LATEST_INSTANT_MS });

test('an instant is read from epoch milliseconds and from ISO 8601', () => {
  fc.assert(
    fc.property(instants, (ms) => {
      assert.equal(parseInstant(ms), ms);
      assert.equal(parseInstant(new Date(ms).toISOString()), ms);
    }),
  );
  const expected = Date.UTC(2026, 10, 22, 5, 7, 0);
  for (const text of ['2026-11-22T05:07Z', '2026-11-22T07:07:00+02:00', '2026-11-22T00:37:00.000-0430']) {
    assert.equal(parseInstant(text), expected, text);
  }
});

test('the fast path reads the usual form like the general one', () => {
  const numbers = (max: number) => fc.integer({ min: 0, max }).map((n) => String(n).padStart(2, '0'));
  const usual = fc
    .tuple(
      fc.constantFrom('0000', '1969', '1970', '2000', '2024', '2026', '2100', '9999', '20x6'),
      ...([numbers(13), numbers(32), numbers(25), numbers(61), numbers(61)] as const),
      fc.constantFrom('Z', '.000Z', '.123Z', '.1Z', '.12xZ', ',123Z', 'z', '+00:00', '-00:0Z'),
    )
    .map(
      ([year, month, day, hour, minute, second, end]) =>
        `${year}-${month}-${day}T${hour}:${minute}:${second}${end}`,
    );
  const [form, zone] = [
    /^(\d{4})-(\d\d)-(\d\d)T([01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d{1,9})?)?/,
    /(?:Z|[+-](?:[01]\d|2[0-3]):?[0-5]\d)$/,
  ];
  const expected = (text: string) => {
    const match = new RegExp(form.source + zone.source).exec(text);
    const [, year, month, day] = (match ?? []).map(Number) as [number, number, number, number];
    if (match === null || new Date(Date.UTC(year, month - 1, day)).getUTCDate() !== day) return undefined;
    const ms = Date.parse(text);
    return ms >= 0 ? ms : undefined;
  };
  const damaged = fc
    .tuple(usual, fc.nat(23), fc.constantFrom('', ' ', '٣', '/', ':', '0', 'T'))
    .map(([text, at, other]) => text.slice(0, at) + other + text.slice(at + 1));
  fc.assert(
    fc.property(fc.oneof(usual, damaged), (text) => assert.equal(parseInstant(text), expected(text), text)),
    { numRuns: 20_000 },
  );
});

test('text that names no instant, or several, is refused', () => {
  const refused = [
    '2026-11-22T05:07:00', // no zone
    '2026-11-22',
    '2026-02-30T00:00:00Z', // no such day
    '2025-02-29T00:00:00Z',
    '2026-11-22T24:00:00Z',
    '2026-11-22T05:60:00Z',
    '22/Nov/2026:05:07:00 +0000',
    '1763788020000',
    'now',
    '',
    1.5,
    -1,
    LATEST_INSTANT_MS + 1,
    Number.NaN,
    null,
    true,
    {},
  ];
  for (const value of refused) assert.equal(parseInstant(value), undefined, JSON.stringify(value));
});
