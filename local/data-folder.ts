// Locks a data folder for one process.
import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { LocalStackError } from './errors.ts';

/**
 * Creates the folder and locks it for this process; returns a function that unlocks it. The lock is the operating system's,
 * through an SQLite file, so a killed process leaves none.
 * @throws LocalStackError when the folder cannot be created, or another process has locked it
 */
export function lockDataFolder(path: string): () => void {
  let lock: DatabaseSync;
  try {
    makeFolder(resolve(path));
    lock = new DatabaseSync(join(path, 'lock'));
  } catch (error) {
    throw new LocalStackError(`Cannot use ${path} as data folder: ${(error as Error).message}`);
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

/** The stack's unique id: kept in its data folder, or new if the data is in memory. */
export function stackIdIn(path: string | undefined): string {
  if (path === undefined) return randomUUID();
  const file = join(path, 'stack-id');
  if (!existsSync(file)) writeFileSync(file, randomUUID());
  return readFileSync(file, 'utf8');
}

/** Creates a folder and its parents, one by one: Node's own recursion never ends where a file system refuses, such as /proc. */
function makeFolder(path: string): void {
  if (existsSync(path)) return;
  makeFolder(dirname(path));
  mkdirSync(path);
}
