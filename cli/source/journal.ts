// The journal file of one import: appended to before and after every request, and locked.
import { type FileHandle, mkdir, open, readFile, rename, stat, utimes, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { BusyError, ifMissing } from '../shared/errors.ts';
import { applyEntry, type Entry, type ImportState, parseJournal, snapshotLine } from './state.ts';

export type Journal = Readonly<Awaited<ReturnType<typeof openJournal>>>;

/** Why a file must wait. */
export const BUSY = 'another import of this file is running';

/** Reads a journal without locking it. Undefined if there is none. */
export async function peekJournal(path: string): Promise<ImportState | undefined> {
  const text = await readFile(path, 'utf8').catch(ifMissing(undefined));
  return text === undefined ? undefined : parseJournal(text, path);
}

/**
 * Opens a journal for writing. Throws BusyError if another run has it.
 * @param stateFrom makes the state from the existing one, if there is one; nothing is written before the first entry
 */
export async function openJournal(path: string, stateFrom: (found: ImportState | undefined) => ImportState) {
  await mkdir(dirname(path), { recursive: true });
  const unlock = lock(`${path}.lock`, BUSY);
  let exists: boolean;
  let state: ImportState;
  try {
    const found = await peekJournal(path);
    exists = found !== undefined;
    state = stateFrom(found);
  } catch (error) {
    unlock();
    throw error;
  }
  let file: FileHandle | undefined;
  let waiting: string[] = [];
  let writing: Promise<void> = Promise.resolve();

  async function compact(): Promise<void> {
    const temporary = `${path}.new`;
    await writeFile(temporary, snapshotLine(state), { flush: true });
    if (exists && file === undefined) {
      // A follower takes a complete state that is newer than its file as proof that the file has been read.
      const { atime, mtimeMs } = await stat(path);
      // Rounded up, it could be newer than a file that was written to in the same tick of the clock.
      await utimes(temporary, atime, new Date(mtimeMs - 1));
    }
    await rename(temporary, path);
    exists = true;
  }

  async function write(): Promise<void> {
    if (waiting.length === 0) return;
    const text = waiting.join('');
    waiting = [];
    if (file === undefined) {
      // The snapshot, taken now, already includes the waiting entries.
      await compact();
      file = await open(path, 'a');
      return;
    }
    await file.appendFile(text);
    await file.datasync();
  }

  return {
    get state() {
      return state;
    },
    /** Writes the state if there was none, so that other runs find it before the first entry. */
    async begin(): Promise<void> {
      if (exists) return;
      writing = writing.then(() => (exists ? undefined : compact()));
      await writing;
    },
    /** Appends an entry; resolves when it is on disk. */
    append(entry: Entry): Promise<void> {
      state = applyEntry(state, entry);
      waiting.push(`${JSON.stringify(entry)}\n`);
      // Entries that arrive while the disk is busy are written together.
      writing = writing.then(write);
      return writing;
    },
    /** Writes the state in its shortest form, and releases the lock. */
    async close(): Promise<void> {
      try {
        await writing;
        await file?.close();
        if (exists) await compact();
      } finally {
        unlock();
      }
    },
  };
}

/** An operating-system lock, through an SQLite file: it disappears with a killed process, so it never goes stale. @throws BusyError */
export function lock(path: string, busy: string): () => void {
  const database = new DatabaseSync(path);
  try {
    database.exec('BEGIN EXCLUSIVE');
  } catch (cause) {
    database.close();
    throw new BusyError(`${busy} (${path} is locked): wait until it ends`, { cause });
  }
  return () => database.close();
}
