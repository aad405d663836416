// What a sabotage is: a small change of the code that must turn something red.

/** A sabotage: what is replaced where. Each text to find must stand there exactly once. */
export interface Sabotage {
  readonly name: string;
  readonly edits: readonly Edit[];
  /** Contract tests that hunt it; left out: the simulation and the small worlds do. */
  readonly tests?: readonly string[];
  /** Why it breaks no promise, for one that does not: it is then not hunted, but must still apply. */
  readonly harmless?: string;
  /** Why small worlds cannot see it: `--explore` then leaves it out. */
  readonly unexplored?: string;
}

/** One replacement in one file, named from the project's root. */
export interface Edit {
  readonly file: string;
  readonly find: string;
  readonly put: string;
}

/** A sabotage of one place. */
export function one(name: string, file: string, find: string, put: string): Sabotage {
  return { name, edits: [{ file, find, put }] };
}

/** A file's text with an edit made. @throws when the text to find does not stand there exactly once */
export function edited(text: string, { file, find, put }: Edit): string {
  if (text.split(find).length !== 2) throw new Error(`does not apply to ${file}: ${find}`);
  return text.replace(find, () => put);
}
