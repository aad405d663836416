// Tables in docs/ that are generated from code: compared, or rewritten with UPDATE_SNAPSHOTS=1.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const DOCS = join(import.meta.dirname, '..', '..', 'docs');

/** Checks the lines between `<!-- name -->` and `<!-- /name -->` of a page. */
export function checkGenerated(page: string, name: string, wanted: string): void {
  const path = join(DOCS, page);
  const text = readFileSync(path, 'utf8');
  const [start, end] = [`<!-- ${name} -->\n`, `\n<!-- /${name} -->`];
  const from = text.indexOf(start) + start.length;
  const to = text.indexOf(end);
  assert.ok(from >= start.length && to >= from, `docs/${page} has no ${start}`);
  if (process.env['UPDATE_SNAPSHOTS'] === '1')
    writeFileSync(path, text.slice(0, from) + wanted + text.slice(to));
  else assert.equal(text.slice(from, to), wanted, `docs/${page} is not current: run with UPDATE_SNAPSHOTS=1`);
}
