// A data folder belongs to one process at a time.
import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { LocalStackError } from './errors.ts';

/**
 * Makes the folder and locks it for this process; gives what unlocks it. The lock is the operating system's (that of an
 * SQLite file), so that a process that was killed leaves none.
 * @throws LocalStackError when the folder cannot be made, or another process has it
 */
export function claimDataFolder(path: string): () => void {
  let lock: DatabaseSync;
  try {
    makeFolder(resolve(path));
    lock = new DatabaseSync(join(path, 'lock'));
  } catch (error) {
    throw new LocalStackError(
      `Cannot use ${path} as data folder: ${error instanceof Error ? error.message : error}`,
    );
  }
  try {
    lock.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    lock.close();
    if (/not a database|malformed/.test(String(error)))
      throw new LocalStackError(`The file ${join(path, 'lock')} is damaged: delete it, and start again.`);
    throw new LocalStackError(`Another local stack is running with the data folder ${path}.`);
  }
  return () => lock.close();
}

/** What tells this stack from all others: kept in its data folder, or made anew where everything else is. */
export function stackIdIn(path: string | undefined): string {
  const file = path === undefined ? undefined : join(path, 'stack-id');
  if (file !== undefined && existsSync(file)) return readFileSync(file, 'utf8');
  const id = randomUUID();
  if (file !== undefined) writeFileSync(file, id);
  return id;
}

/** Makes a folder and those above it, one by one: Node's own recursion never ends where a file system refuses, as /proc does. */
function makeFolder(path: string): void {
  if (existsSync(path)) return;
  makeFolder(dirname(path));
  mkdirSync(path);
}
