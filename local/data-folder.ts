// A data folder belongs to one process at a time.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { LocalStackError } from './errors.ts';

/**
 * Makes the folder and locks it for this process; gives what unlocks it. The lock is the operating system's (that of an
 * SQLite file), so that a process that was killed leaves none.
 * @throws LocalStackError when the folder cannot be made, or another process has it
 */
export function claimDataFolder(path: string): () => void {
  try {
    mkdirSync(path, { recursive: true });
  } catch (error) {
    throw new LocalStackError(
      `Cannot use ${path} as data folder: ${error instanceof Error ? error.message : error}`,
    );
  }
  const lock = new DatabaseSync(join(path, 'lock'));
  try {
    lock.exec('BEGIN EXCLUSIVE');
  } catch {
    lock.close();
    throw new LocalStackError(`Another local stack is running with the data folder ${path}.`);
  }
  return () => lock.close();
}
