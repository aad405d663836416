// Follows one path through rotations, as `tail -F` does: rename and create, copytruncate, re-creation, compression.
import { createHash } from 'node:crypto';
import { mkdir, open, readdir, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { headOf } from '../../formats/lines.ts';
import type { ReadingPlan } from '../../formats/plan.ts';
import { FormatError } from '../../formats/reading.ts';
import { addFigures, Figures } from '../import/figures.ts';
import { importFile } from '../import/import-file.ts';
import { messageOf, SourceError, systemCode, UsageError } from '../shared/errors.ts';
import { openSource } from '../source/source.ts';
import { HEAD_BYTES_MAX } from '../source/state.ts';
import { beginsLike, findState, STATE_FOLDER, type StoredState, statesIn } from '../source/state-store.ts';
import {
  type FollowedFile,
  type FollowPorts,
  type FollowSettings,
  findAlike,
  openFollowed,
} from './followed-file.ts';

/** How often, and for how long, to look for a truncated file's copy. */
const SEEK_EVERY_MS = 5_000;
const SEEK_MS = 60_000;

/** A followed path. Nothing happens between two calls of `step`. */
export class Follower {
  readonly #path: string;
  readonly #name: string;
  readonly #settings: FollowSettings;
  readonly #ports: FollowPorts;
  #current: FollowedFile | undefined;
  /** Rotated files; their writers may still have them open. */
  #retiring: FollowedFile[] = [];
  #plan: ReadingPlan | undefined;
  /** The path's inode at the last check, read or not. */
  #looked: number | undefined;
  #seek: { readonly untilMs: number; readonly nextMs: number } | undefined;

  /** @param path absolute */
  constructor(name: string, path: string, settings: FollowSettings, ports: FollowPorts) {
    this.#name = name;
    this.#path = path;
    this.#settings = settings;
    this.#ports = ports;
  }

  /** Finishes files that were rotated before. */
  async start(): Promise<void> {
    this.#looked = await this.#inodeNow();
    await this.#finishRotated();
  }

  /** Reads what was written, and follows rotations. @returns whether there was anything to read */
  async step(): Promise<boolean> {
    const { now } = this.#ports;
    if (this.#seek !== undefined && now() >= this.#seek.nextMs) {
      await this.#finishRotated();
      const { untilMs } = this.#seek;
      this.#seek = now() < untilMs ? { untilMs, nextMs: now() + SEEK_EVERY_MS } : undefined;
    }
    let grew = await this.#retire();
    if (this.#current === undefined) this.#current = await this.#open();
    if (this.#current === undefined) return grew;
    const read = await this.#current.read();
    if (read === 'truncated') {
      const rewritten = this.#current;
      this.#current = undefined;
      await rewritten.close({ done: false });
      // The unread part is in the copy, if there is one.
      this.#seek = { untilMs: now() + SEEK_MS, nextMs: now() };
      return true;
    }
    grew ||= read;
    const inode = await this.#inodeNow();
    if (inode === this.#current.inode) return grew;
    // Renamed or removed: continue on its handle, and follow the new file as soon as it exists.
    this.#retiring.push(this.#current);
    this.#current = undefined;
    return true;
  }

  /** Delivers what was read, and closes all files. */
  async close(): Promise<void> {
    for (const file of [...this.#retiring, this.#current]) await file?.close({ done: false });
  }

  async #inodeNow(): Promise<number | undefined> {
    return (await stat(this.#path).catch(ifThere(undefined)))?.ino;
  }

  async #open(): Promise<FollowedFile | undefined> {
    const inode = await this.#inodeNow();
    if (inode !== this.#looked) {
      // The previous file may have been rotated before any of it was read.
      this.#looked = inode;
      await this.#finishRotated();
    }
    const handle = await open(this.#path).catch((cause: unknown) => {
      if (systemCode(cause) === 'ENOENT') return undefined;
      throw new UsageError(`cannot read ${this.#name}: ${messageOf(cause)}`, { cause });
    });
    if (handle === undefined) return undefined;
    let file: FollowedFile | undefined;
    try {
      const info = await handle.stat();
      if (!info.isFile()) throw new UsageError(`${this.#name} is not a file: use --stdin for a pipe`);
      const held = this.#retiring.some(({ inode }) => inode === info.ino);
      const names = { name: this.#name, path: this.#path };
      if (!held) file = await openFollowed(handle, names, this.#settings, this.#ports, this.#plan);
    } finally {
      if (file === undefined) await handle.close();
    }
    if (file === undefined) return undefined;
    this.#plan = file.plan;
    // More than one rotation may have happened, and inodes are reused.
    await this.#finishRotated();
    await this.#mark();
    return file;
  }

  async #retire(): Promise<boolean> {
    const { now } = this.#ports;
    const { lingerMs } = this.#settings;
    let grew = false;
    for (const file of this.#retiring) {
      grew = (await file.read()) === true || grew;
      if (now() - file.grownAtMs < lingerMs) continue;
      this.#retiring = this.#retiring.filter((other) => other !== file);
      await file.close({ done: true });
    }
    return grew;
  }

  /**
   * Imports the rest of rotated files, plain or compressed since: those followed before, and those written and rotated unread while
   * this path was followed.
   */
  async #finishRotated(): Promise<void> {
    const since = await stat(this.#marker).catch(() => undefined);
    if (since === undefined) return this.#mark();
    const { chosen, home } = this.#settings.stateFolders;
    const folders = chosen === undefined ? [join(dirname(this.#path), STATE_FOLDER), home] : [chosen];
    const states = (await Promise.all(folders.map(statesIn))).flat();
    for (const rotated of await this.#rotatedNames()) {
      if (this.#ports.stop.aborted) return;
      await this.#finish(join(dirname(this.#path), rotated), since.mtimeMs, states).catch(
        (error: unknown) => {
          // It may be in the middle of compression or removal, or belong to another program.
          const passing = [SourceError, UsageError, FormatError].some((kind) => error instanceof kind);
          if (!passing && systemCode(error) !== 'ENOENT') throw error;
          this.#ports.reporter.note(`${rotated} is left out: ${messageOf(error)}`);
        },
      );
    }
  }

  /** A marker file. Files of this path that are older than it have been opened; newer ones must be. */
  get #marker(): string {
    const { stateFolders, target } = this.#settings;
    const hash = createHash('sha256').update([this.#path, target.service, target.metric].join('\n'));
    return join(stateFolders.chosen ?? stateFolders.home, `followed-${hash.digest('hex').slice(0, 12)}`);
  }

  async #mark(): Promise<void> {
    await mkdir(dirname(this.#marker), { recursive: true });
    await writeFile(this.#marker, this.#path);
  }

  async #rotatedNames(): Promise<string[]> {
    const own = basename(this.#path);
    const names = await readdir(dirname(this.#path)).catch(ifThere<string[]>([]));
    return names.filter(
      (name) => name !== own && /^[.-]/.test(name.slice(own.length)) && name.startsWith(own),
    );
  }

  async #finish(path: string, sinceMs: number, states: readonly StoredState[]): Promise<void> {
    const info = await stat(path);
    if (!info.isFile() || this.#retiring.some(({ inode }) => inode === info.ino)) return;
    const source = await openSource(path);
    const { head } = await headOf(source.chunks(), HEAD_BYTES_MAX);
    // A compressed copy of a file that is still held: its journal may not be on disk yet.
    for (const file of this.#retiring) if (await file.isIn(source, head)) return;
    const known = states.find(({ state }) => beginsLike(head, state.key));
    // Known by its beginning, read to its end, and unchanged since: skip it.
    if (known !== undefined && (await isDone(known, info.mtimeMs))) return;
    const { stateFolders } = this.#settings;
    const found = await findAlike(this.#settings, (target) => findState(source, head, target, stateFolders));
    // In the same tick of the file system's clock as the marker, it may be later: count it rather than lose it.
    if (found.is === 'prefix' || (found.is === 'new' && info.mtimeMs < sinceMs)) return;
    const target = { ...this.#settings.target, label: found.key.label };
    const settings = { ...this.#settings, target, forget: false, dryRun: false };
    const { figures, reporter } = this.#ports;
    const rest = new Figures();
    await importFile(source, settings, { ...this.#ports, figures: rest });
    addFigures(figures, rest);
    if (rest.accepted > 0)
      reporter.note(`${path}: ${rest.accepted} events that had not been read before it was rotated`);
  }
}

/** Whether a file was read to its end, and not written to since. */
async function isDone({ path, state }: StoredState, mtimeMs: number): Promise<boolean> {
  const { ends, done, open: begun } = state;
  const last = ends.at(-1);
  const isRead = last !== undefined && begun.size === 0 && done.at(-1)?.to === last.to;
  return isRead && mtimeMs < (await stat(path)).mtimeMs;
}

/** A handler that returns a value for a missing file, and rethrows every other error. */
function ifThere<T>(missing: T): (error: unknown) => T {
  return (error) => {
    if (systemCode(error) === 'ENOENT') return missing;
    throw error;
  };
}
