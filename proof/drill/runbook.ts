// The runbook's headings: every action of the drill's operator must be in one of its sections.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const PATH = join(import.meta.dirname, '..', '..', 'docs', 'runbook.md');

/** The headings of docs/runbook.md. */
export function runbookSections(): ReadonlySet<string> {
  return new Set([...readFileSync(PATH, 'utf8').matchAll(/^#+ (.*)$/gm)].map((match) => match[1] ?? ''));
}
