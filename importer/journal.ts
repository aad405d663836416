// The journal file of one import: appended to before and after every request, guarded by a lock.

import { type FileHandle, open, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { StateError, systemCode } from './errors.ts';
import { applyEntry, type Entry, type ImportState, parseJournal, snapshotLine } from './state.ts';

/** What the importer needs of a journal. */
export interface Journal {
  readonly state: ImportState;
  /** Remembers an entry; resolves when it is on the disk. */
  append(entry: Entry): Promise<void>;
  /** Writes the state in its shortest form and lets go of the lock. */
  close(): Promise<void>;
}

/** A journal that remembers nothing beyond its life. */
export function memoryJournal(initial: ImportState): Journal {
  let state = initial;
  return {
    get state() {
      return state;
    },
    async append(entry) {
      state = applyEntry(state, entry);
    },
    async close() {
      // Nothing is held.
    },
  };
}

/** Reads a journal without taking it. Undefined if there is none. */
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
 * @param fresh makes the state where there is no journal yet; nothing is written before the first entry
 */
export async function openJournal(
  path: string,
  fresh: () => ImportState,
  revise: (state: ImportState) => ImportState = (state) => state,
): Promise<Journal> {
  const unlock = await lock(`${path}.lock`);
  try {
    const found = await peekJournal(path);
    return new FileJournal(path, revise(found ?? fresh()), found !== undefined, unlock);
  } catch (error) {
    await unlock();
    throw error;
  }
}

class FileJournal implements Journal {
  readonly #path: string;
  readonly #unlock: () => Promise<void>;
  #state: ImportState;
  #exists: boolean;
  #file: FileHandle | undefined;
  #waiting: string[] = [];
  #writing: Promise<void> = Promise.resolve();

  constructor(path: string, state: ImportState, exists: boolean, unlock: () => Promise<void>) {
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
    // Entries that come while the disk is busy go out together with the next write.
    this.#writing = this.#writing.then(() => this.#write());
    return this.#writing;
  }

  async #write(): Promise<void> {
    if (this.#waiting.length === 0) return;
    const text = this.#waiting.join('');
    this.#waiting = [];
    if (!this.#file) {
      // The snapshot, taken now, holds the waiting entries already.
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
      await this.#unlock();
    }
  }
}

interface LockOwner {
  readonly pid: number;
  readonly host: string;
}

/** Takes a lock file; one left by a process that is no more is taken over. */
async function lock(path: string): Promise<() => Promise<void>> {
  for (let attempt = 0; attempt < 2; attempt += 1) {
    try {
      await writeFile(path, JSON.stringify({ pid: process.pid, host: hostname() } satisfies LockOwner), {
        flag: 'wx',
      });
      heldHere.add(path);
      return async () => {
        heldHere.delete(path);
        await rm(path, { force: true });
      };
    } catch (error) {
      if (systemCode(error) !== 'EEXIST') throw error;
      const owner = await lockOwner(path);
      if (owner && isAlive(owner, path)) {
        throw new StateError(
          `another import of this file is running (process ${owner.pid} on ${owner.host}); if it is not, remove ${path}`,
        );
      }
      await rm(path, { force: true });
    }
  }
  throw new StateError(`another import of this file has just begun (${path})`);
}

async function lockOwner(path: string): Promise<LockOwner | undefined> {
  try {
    const owner: unknown = JSON.parse(await readFile(path, 'utf8'));
    const { pid, host } = owner as Partial<LockOwner>;
    return typeof pid === 'number' && typeof host === 'string' ? { pid, host } : undefined;
  } catch {
    return undefined;
  }
}

function isAlive(owner: LockOwner, path: string): boolean {
  if (owner.host !== hostname()) return true;
  // In a container the number of a process that was killed is soon given out again, perhaps to this one.
  if (owner.pid === process.pid) return heldHere.has(path);
  try {
    process.kill(owner.pid, 0);
    return true;
  } catch (error) {
    return systemCode(error) === 'EPERM';
  }
}

/** Locks this process holds. */
const heldHere = new Set<string>();
