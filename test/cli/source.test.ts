// Comparing the beginnings of two files.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { beginsWith, type Content } from '../../cli/source/source.ts';

let opened = 0;
let closed = 0;

function content(...chunks: string[]): Content {
  return {
    name: '',
    path: '',
    async *chunks() {
      opened += 1;
      try {
        yield* chunks.map((chunk) => Buffer.from(chunk));
      } finally {
        closed += 1;
      }
    },
  };
}

test('whether a file begins like another is found without leaving either open', async () => {
  for (const [longer, shorter, begins] of [
    [['abc', 'def', 'ghi'], ['ab', 'cd'], true],
    [['abc', 'def'], ['abd'], false],
    [['ab'], ['abc'], false],
    [['ab'], [], true],
  ] as const) {
    const before = opened;
    assert.equal(await beginsWith(content(...longer), content(...shorter)), begins);
    assert.ok(opened > before);
    assert.equal(closed, opened);
  }
});
