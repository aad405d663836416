// The journal file of one import: appended to before and after every request, and locked.
import { type FileHandle, mkdir, open, readFile, rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { StateError, systemCode } from '../shared/errors.ts';
import { applyEntry, type Entry, type ImportState, parseJournal, snapshotLine } from './state.ts';

export interface Journal {
  readonly state: ImportState;
  /** Appends an entry; resolves when it is on disk. */
  append(entry: Entry): Promise<void>;
  /** Writes the state in its shortest form, and releases the lock. */
  close(): Promise<void>;
}

/** Reads a journal without locking it. Undefined if there is none. */
export async function peekJournal(path: string): Promise<ImportState | undefined> {
  try {
    return parseJournal(await readFile(path, 'utf8'), path);
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/**
 * Opens a journal for writing. Throws StateError if another import holds it.
 * @param fresh creates the state if there is no journal; nothing is written before the first entry
 */
export async function openJournal(
  path: string,
  fresh: () => ImportState,
  revise: (state: ImportState) => ImportState = (state) => state,
): Promise<Journal> {
  await mkdir(dirname(path), { recursive: true });
  const unlock = lock(`${path}.lock`);
  try {
    const found = await peekJournal(path);
    return new FileJournal(path, revise(found ?? fresh()), found !== undefined, unlock);
  } catch (error) {
    unlock();
    throw error;
  }
}

class FileJournal implements Journal {
  readonly #path: string;
  readonly #unlock: () => void;
  #state: ImportState;
  #exists: boolean;
  #file: FileHandle | undefined;
  #waiting: string[] = [];
  #writing: Promise<void> = Promise.resolve();

  constructor(path: string, state: ImportState, exists: boolean, unlock: () => void) {
    this.#path = path;
    this.#state = state;
    this.#exists = exists;
    this.#unlock = unlock;
  }

  get state(): ImportState {
    return this.#state;
  }

  append(entry: Entry): Promise<void> {
    this.#state = applyEntry(this.#state, entry);
    this.#waiting.push(`${JSON.stringify(entry)}\n`);
    // Entries that arrive while the disk is busy are written together.
    this.#writing = this.#writing.then(() => this.#write());
    return this.#writing;
  }

  async #write(): Promise<void> {
    if (this.#waiting.length === 0) return;
    const text = this.#waiting.join('');
    this.#waiting = [];
    if (!this.#file) {
      // The snapshot, taken now, already includes the waiting entries.
      await this.#compact(snapshotLine(this.#state));
      this.#file = await open(this.#path, 'a');
      return;
    }
    await this.#file.appendFile(text);
    await this.#file.datasync();
  }

  async #compact(snapshot: string): Promise<void> {
    const temporary = `${this.#path}.new`;
    const file = await open(temporary, 'w');
    try {
      await file.writeFile(snapshot);
      await file.datasync();
    } finally {
      await file.close();
    }
    await rename(temporary, this.#path);
    this.#exists = true;
  }

  async close(): Promise<void> {
    try {
      await this.#writing;
      await this.#file?.close();
      if (this.#exists) await this.#compact(snapshotLine(this.#state));
    } finally {
      this.#unlock();
    }
  }
}

/** An operating-system lock, through an SQLite file: it disappears with a killed process, so it never goes stale. */
function lock(path: string): () => void {
  const database = new DatabaseSync(path);
  try {
    database.exec('BEGIN EXCLUSIVE');
  } catch (cause) {
    database.close();
    throw new StateError(`another import of this file is running (${path} is locked): wait until it ends`, {
      cause,
    });
  }
  return () => database.close();
}
