// Lines and records: any chunking of the same bytes gives the same lines, offsets and checksums.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { type Line, LineSplitter } from '../../importer/lines.ts';
import { type FileRecord, recordsOf } from '../../importer/records.ts';

function split(chunks: readonly Buffer[], bytesMax?: number): Line[] {
  const splitter = new LineSplitter(bytesMax);
  const lines = chunks.flatMap((chunk) => [...splitter.push(chunk)]);
  return [...lines, ...splitter.end()];
}

/** Bytes rich in line ends, and places to cut them. */
const bytesAndCuts = fc.tuple(
  fc
    .array(fc.constantFrom('\n', '\r', 'a', 'é', '"', ',', '\u0000'), { maxLength: 60 })
    .map((parts) => Buffer.from(parts.join(''))),
  fc.array(fc.nat(80), { maxLength: 10 }),
);

function cut(bytes: Buffer, places: readonly number[]): Buffer[] {
  const sorted = [
    0,
    ...places.filter((place) => place < bytes.length).toSorted((a, b) => a - b),
    bytes.length,
  ];
  return sorted.slice(1).map((to, i) => bytes.subarray(sorted[i], to));
}

test('any chunking gives the same lines', () => {
  fc.assert(
    fc.property(bytesAndCuts, fc.integer({ min: 1, max: 20 }), ([bytes, places], bytesMax) => {
      assert.deepEqual(split(cut(bytes, places), bytesMax), split([bytes], bytesMax));
    }),
  );
});

test('lines cover the file, and each knows the checksum of everything before its end', () => {
  fc.assert(
    fc.property(bytesAndCuts, ([bytes, places]) => {
      let offset = 0;
      for (const [i, line] of split(cut(bytes, places)).entries()) {
        assert.equal(line.number, i + 1);
        assert.equal(line.start, offset);
        assert.equal(line.crc, crc32(bytes.subarray(0, line.end)));
        const raw = bytes.subarray(line.start, line.end).toString();
        assert.equal(line.bytes.toString(), raw.replace(/\r?\n$|\r$/, ''));
        assert.equal(line.terminated, raw.endsWith('\n'));
        offset = line.end;
      }
      assert.equal(offset, bytes.length);
    }),
  );
});

test('a line that is too long keeps its place and only its first bytes', () => {
  const lines = split([Buffer.from('abc\nabcdefgh\r\nabcd\r\nabcde')], 4);
  assert.deepEqual(
    lines.map(({ start, end, tooLong, bytes }) => ({ start, end, tooLong, text: bytes.toString() })),
    [
      { start: 0, end: 4, tooLong: false, text: 'abc' },
      { start: 4, end: 14, tooLong: true, text: 'abcd' },
      { start: 14, end: 20, tooLong: false, text: 'abcd' },
      { start: 20, end: 25, tooLong: true, text: 'abcd' },
    ],
  );
});

const csv = {
  format: 'csv',
  entityColumn: 2,
  timeColumn: 1,
  timeUnit: 's',
  delimiter: ',',
  header: false,
  emptyEntity: undefined,
  comment: undefined,
} as const;

async function records(chunks: readonly Buffer[]): Promise<FileRecord[]> {
  async function* stream() {
    yield* chunks;
  }
  const found: FileRecord[] = [];
  for await (const some of recordsOf(stream(), csv)) found.push(...some);
  return found;
}

test('any chunking gives the same CSV records', async () => {
  await fc.assert(
    fc.asyncProperty(bytesAndCuts, async ([bytes, places]) => {
      assert.deepEqual(await records(cut(bytes, places)), await records([bytes]));
    }),
  );
});

test('a CSV field may hold line ends; a stray quote costs only its own line', async () => {
  const found = await records([Buffer.from('1,"two\nlines"\n2,b\n3,"stray\n4,d\n5,e\n')]);
  assert.deepEqual(
    found.map(({ line, end, reading }) => [line.number, line.start, end, reading]),
    [
      [1, 0, 14, { kind: 'event', entity: 'two\nlines', at: 1000 }],
      [3, 14, 18, { kind: 'event', entity: 'b', at: 2000 }],
      [4, 18, 27, { kind: 'malformed', reason: 'a quote in it is never closed' }],
      [5, 27, 31, { kind: 'event', entity: 'd', at: 4000 }],
      [6, 31, 35, { kind: 'event', entity: 'e', at: 5000 }],
    ],
  );
});
