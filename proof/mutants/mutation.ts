// Mutations: small changes to the code, each of which must make a test fail. They are read from the texts beside this file.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** A mutation: what is replaced where. Each text to find must occur exactly once. */
export interface Mutation {
  readonly name: string;
  readonly edits: readonly Edit[];
  /** Tests that hunt it; undefined: the simulation and the small worlds do. */
  readonly tests?: readonly string[];
  /** Why it breaks no promise: a harmless mutation is not hunted, but must still apply. */
  readonly harmless?: string;
  /** Why small worlds cannot see it: `--explore` then skips it. */
  readonly unexplored?: string;
}

/** One replacement in one file, named from the project's root. */
interface Edit {
  readonly file: string;
  readonly find: string;
  readonly put: string;
}

/** A file's text with an edit made. @throws when the text to find does not occur exactly once */
export function edited(text: string, { file, find, put }: Edit): string {
  if (text.split(find).length !== 2) throw new Error(`does not apply to ${file}: ${find}`);
  return text.replace(find, () => put);
}

/** One block of a text: `# name`, `by TEST`, `unexplored WHY`, `harmless WHY`, then `@ file` with lines to find and to put. */
function parsed(block: string): Mutation {
  const lines = block.split('\n').filter((line) => line !== '' && !line.startsWith('%'));
  const edits: { file: string; find: string[]; put: string[] }[] = [];
  const mutation = { name: '' };
  let file = '';
  for (const [index, line] of lines.entries()) {
    const [, mark = '', rest = ''] = /^(\S+) ?(.*)$/.exec(line) ?? [];
    if (mark === '@') file = rest;
    else if (mark === '-' || mark === '+') {
      if (mark === '-' && !lines[index - 1]?.startsWith('-')) edits.push({ file, find: [], put: [] });
      edits.at(-1)?.[mark === '-' ? 'find' : 'put'].push(rest);
    } else Object.assign(mutation, settingOf(mark, rest));
  }
  const text = (some: readonly string[]) => some.join('\n');
  return { ...mutation, edits: edits.map((one) => ({ ...one, find: text(one.find), put: text(one.put) })) };
}

function settingOf(mark: string, rest: string): Partial<Mutation> {
  if (mark === '#') return { name: rest };
  if (mark === 'by') return { tests: [rest] };
  if (mark === 'harmless' || mark === 'unexplored') return { [mark]: rest };
  throw new Error(`a mutation's text cannot begin with ${mark}`);
}

/** The mutations of a text. Lines after `=` and before the first mutation apply to all up to the next `=`. */
function mutationsIn(text: string): Mutation[] {
  return text.split(/^=\n/m).flatMap((section) => {
    const [head = '', ...blocks] = section.split(/^(?=# )/m);
    return blocks.map((block) => parsed(head + block));
  });
}

/** All mutations. */
export const MUTATIONS: readonly Mutation[] = readdirSync(import.meta.dirname)
  .filter((name) => name.endsWith('.txt'))
  .flatMap((name) => mutationsIn(readFileSync(join(import.meta.dirname, name), 'utf8')));
