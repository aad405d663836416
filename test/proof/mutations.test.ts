// Every mutation must apply to the code as it is: one that does not is never hunted.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { edited, MUTATIONS } from '../../proof/mutants/mutation.ts';

const ROOT = join(import.meta.dirname, '../..');

test('every mutation applies, changes something, and has its own name', () => {
  for (const { name, edits, harmless } of MUTATIONS) {
    assert.ok(edits.length > 0 || harmless !== undefined, `"${name}" changes nothing`);
    const texts = new Map<string, string>();
    for (const edit of edits) {
      const text = texts.get(edit.file) ?? readFileSync(join(ROOT, edit.file), 'utf8');
      assert.notEqual(edit.find, edit.put, `"${name}" changes nothing`);
      assert.doesNotThrow(() => texts.set(edit.file, edited(text, edit)), `"${name}"`);
    }
  }
  const names = MUTATIONS.map(({ name }) => name);
  assert.deepEqual(new Set(names).size, names.length);
});
