// Lines, records and batches: any chunking of the same bytes gives the same, and so does beginning anywhere.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { type Batch, BatchCutter } from '../../formats/batches.ts';
import { type Line, LineSplitter, type Position } from '../../formats/lines.ts';
import type { ReadingPlan } from '../../formats/plan.ts';
import { type FileRecord, RecordReader } from '../../formats/records.ts';

function split(chunks: readonly Buffer[], bytesMax?: number): Line[] {
  const splitter = new LineSplitter(undefined, bytesMax);
  const lines = chunks.flatMap((chunk) => [...splitter.push(chunk)]);
  return [...lines, ...splitter.end()];
}

/** Bytes rich in line ends, and places to cut them. */
const bytesAndCuts = fc.tuple(
  fc
    .array(fc.constantFrom('\n', '\r', 'a', 'é', '"', ',', '\u0000', '\ufeff'), {
      maxLength: 60,
      size: 'max',
    })
    .map((parts) => Buffer.from(parts.join(''))),
  fc.array(fc.nat(80), { maxLength: 10 }),
);

function cut(bytes: Buffer, places: readonly number[]): Buffer[] {
  const inside = places.filter((place) => place < bytes.length).toSorted((a, b) => a - b);
  const sorted = [0, ...inside, bytes.length];
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
        const text = raw.replace(/^\0+/, '').replace(/\r?\n$|\r$/, '');
        assert.doesNotMatch(text, /[\r\n]/);
        assert.equal(line.bytes.toString(), i === 0 ? text.replace(/^\ufeff/, '') : text);
        assert.equal(line.terminated, /[\r\n]$/.test(raw));
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

const csv: ReadingPlan = {
  format: 'csv',
  unwrap: 'none',
  entity: '2',
  time: '1',
  timeUnit: 's',
  delimiter: ',',
  where: [],
};

function records(chunks: readonly Buffer[], plan = csv, at?: Position): FileRecord[] {
  const reader = new RecordReader(plan, 'view', at);
  return [...chunks.flatMap((chunk) => reader.push(chunk)), ...reader.end()];
}

test('any chunking gives the same CSV records', () => {
  fc.assert(
    fc.property(bytesAndCuts, ([bytes, places]) => {
      assert.deepEqual(records(cut(bytes, places)), records([bytes]));
    }),
  );
});

test('a record in several lines has their place; one whose entity would hold a line end is given up', () => {
  const found = records([Buffer.from('1,a,"two\nlines"\n2,b\n3,"stray\n4,d\n5,"e\n"\n6,f\n')]);
  assert.deepEqual(
    found.map(({ line, end, outcomes: [outcome] }) => [line.number, line.start, end.offset, outcome?.kind]),
    [
      [1, 0, 16, 'event'],
      [3, 16, 20, 'event'],
      [4, 20, 29, 'malformed'],
      [5, 29, 33, 'event'],
      [6, 33, 38, 'malformed'],
      [7, 38, 40, 'malformed'],
      [8, 40, 44, 'event'],
    ],
  );
});

/** A file of lines with a header, some of which are events. */
const logs = fc.array(fc.constantFrom('/a,7', '/bb,8', 'rubbish', '/ccc,61', '', '/d,9,"two\nlines"'), {
  maxLength: 120,
  size: 'max',
});
const limits = { events: 5, bytes: 300, stretchBytes: 100 };

function batches(bytes: Buffer, at?: Position): Batch[] {
  const cutter = new BatchCutter('file', at, limits);
  const plan = { ...csv, header: true, entity: 'path', time: 'at' };
  const rest = bytes.subarray(at?.offset ?? 0);
  const found = records([rest], plan, at).flatMap((record) => cutter.add(record) ?? []);
  return [...found, ...[cutter.cut()].filter((last) => last !== undefined)];
}

test('reading from the start of any batch gives the same batches', () => {
  fc.assert(
    fc.property(logs, (lines) => {
      const bytes = Buffer.from(`path,at\n${lines.join('\n')}\n`);
      const all = batches(bytes);
      for (const [i, { from }] of all.entries()) {
        assert.deepEqual(batches(bytes, from), all.slice(i));
      }
      assert.equal(new Set(all.map(({ key }) => key)).size, all.length);
      const events = all.flatMap(({ parts }) => parts.flat());
      assert.equal(events.length, lines.filter((line) => line.startsWith('/')).length);
    }),
  );
});

test('batches of a file that has grown keep their keys and their first events', () => {
  fc.assert(
    fc.property(logs, logs, (lines, more) => {
      const text = `path,at\n${lines.join('\n')}\n`;
      const [before, after] = [
        batches(Buffer.from(text)),
        batches(Buffer.from(`${text}${more.join('\n')}\n`)),
      ];
      for (const [i, { key, parts }] of before.entries()) {
        assert.equal(after[i]?.key, key);
        assert.deepEqual(after[i]?.parts.flat().slice(0, parts.flat().length), parts.flat());
      }
    }),
  );
});
