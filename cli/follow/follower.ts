// Follows one path through rotations, as `tail -F` does: rename and create, copytruncate, re-creation, compression.
import { hash } from 'node:crypto';
import { mkdir, open, readdir, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join, parse } from 'node:path';
import { headOf } from '../../formats/lines.ts';
import type { ReadingPlan } from '../../formats/plan.ts';
import { FormatError } from '../../formats/reading.ts';
import { addFigures, Figures } from '../import/figures.ts';
import { type ImportSettings, importFile } from '../import/import-file.ts';
import { BusyError, ifMissing, messageOf, SourceError, systemCode, UsageError } from '../shared/errors.ts';
import { openSource } from '../source/source.ts';
import { HEAD_BYTES_MAX } from '../source/state.ts';
import {
  beginsAs,
  beginsLike,
  findState,
  foldersOf,
  type StoredState,
  statesIn,
} from '../source/state-store.ts';
import { type FollowedFile, type FollowPorts, findAlike, openFollowed } from './followed-file.ts';

/** How long a rotated file must be quiet before it is done: its writer may still have it open. */
export const LINGER_MS = 60_000;
/** How often, and for how long, to look for a truncated file's copy. */
const SEEK_EVERY_MS = 5_000;
const SEEK_MS = 60_000;
/** How often to try a file whose state another run has. */
const BUSY_MS = 5_000;

/** Follows a path. Nothing happens between two calls of `step`. @param path absolute */
export function followerOf(name: string, path: string, settings: ImportSettings, ports: FollowPorts) {
  const { stateFolders, target } = settings;
  const { figures, reporter, now } = ports;
  let current: FollowedFile | undefined;
  /** Rotated files; their writers may still have them open. */
  let retiring: FollowedFile[] = [];
  let plan: ReadingPlan | undefined;
  /** The path's inode at the last check, read or not. */
  let looked: number | undefined;
  let saidBusy = false;
  let busyUntilMs = 0;
  /** Rotated files compared with their states, as they were then: they need not be read again. */
  const finished = new Set<string>();
  let seek: { readonly untilMs: number; readonly nextMs: number } | undefined;
  const followed = hash('sha256', [path, target.service, target.metric].join('\n')).slice(0, 12);
  /** Files of this path that are older than this one have been opened; newer ones must be. */
  const marker = join(stateFolders.chosen ?? stateFolders.home, `followed-${followed}`);

  async function inodeNow(): Promise<number | undefined> {
    return (await stat(path).catch(ifMissing(undefined)))?.ino;
  }

  async function opened(): Promise<FollowedFile | undefined> {
    const inode = await inodeNow();
    if (inode !== looked) {
      // The previous file may have been rotated before any of it was read.
      looked = inode;
      await finishRotated();
    } else if (now() < busyUntilMs) return undefined;
    const handle = await open(path).catch((cause: unknown) => {
      if (systemCode(cause) === 'ENOENT') return undefined;
      throw new UsageError(`cannot read ${name}: ${messageOf(cause)}`, { cause });
    });
    if (handle === undefined) return undefined;
    let file: FollowedFile | undefined;
    try {
      const info = await handle.stat();
      if (!info.isFile()) throw new UsageError(`${name} is not a file: use --stdin for a pipe`);
      const held = retiring.some(({ inode }) => inode === info.ino);
      if (!held) file = await openFollowed(handle, { name, path }, settings, ports, plan).catch(waitIfBusy);
    } finally {
      if (file === undefined) await handle.close();
    }
    if (file === undefined) return undefined;
    plan = file.plan;
    saidBusy = false;
    // More than one rotation may have happened, and inodes are reused.
    await finishOlder(file);
    return file;
  }

  /** Another run has the state, or a rotated file that is still held: counting under a second state would count twice. */
  function waitIfBusy(error: unknown): undefined {
    if (!(error instanceof BusyError)) throw error;
    busyUntilMs = now() + BUSY_MS;
    if (!saidBusy && retiring.length === 0) {
      reporter.note(error.message);
      saidBusy = true;
    }
  }

  async function retire(): Promise<boolean> {
    let grew = false;
    let isClosed = false;
    for (const file of retiring) {
      grew = (await file.read()) === true || grew;
      if (now() - file.grownAtMs < LINGER_MS) continue;
      retiring = retiring.filter((other) => other !== file);
      await file.close({ done: true });
      isClosed = true;
    }
    // What was held for its sake, and what was half compressed.
    if (isClosed) await finishOlder(current);
    return grew;
  }

  /** Finishes rotated files. @param file the one that is open */
  async function finishOlder(file: FollowedFile | undefined): Promise<void> {
    if ((await finishRotated()) && file !== undefined && (await inodeNow()) === file.inode) await mark();
  }

  /**
   * Imports the rest of rotated files, plain or compressed since: those followed before, and those written and rotated unread while
   * this path was followed.
   * @returns whether none is left that may be readable later
   */
  async function finishRotated(): Promise<boolean> {
    let isAll = true;
    const since = await stat(marker).catch(() => undefined);
    if (since === undefined) {
      await mark();
      return true;
    }
    const states = (await Promise.all(foldersOf(path, stateFolders).map(statesIn))).flat();
    for (const rotated of await rotatedNames()) {
      if (ports.stop.aborted) return false;
      const isFinished = await finish(join(dirname(path), rotated), since.mtimeMs, states).catch(
        (error: unknown) => {
          // It may be in the middle of compression or removal, or belong to another program.
          const passing = [SourceError, UsageError, FormatError].some((kind) => error instanceof kind);
          if (!passing && systemCode(error) !== 'ENOENT') throw error;
          reporter.note(`${rotated} is left out: ${messageOf(error)}`);
          return error instanceof FormatError;
        },
      );
      isAll &&= isFinished;
    }
    return isAll;
  }

  async function mark(): Promise<void> {
    await mkdir(dirname(marker), { recursive: true });
    await writeFile(marker, path);
  }

  async function rotatedNames(): Promise<string[]> {
    const names = await readdir(dirname(path)).catch(ifMissing<string[]>([]));
    return names.filter((name) => isRotated(basename(path), name));
  }

  /** @returns false if it may be readable later, or another file than one that is still held */
  async function finish(file: string, sinceMs: number, states: readonly StoredState[]): Promise<boolean> {
    const info = await stat(file);
    if (!info.isFile() || retiring.some(({ inode }) => inode === info.ino)) return true;
    // The path is a link to it.
    if (info.ino === (await inodeNow())) return true;
    // Its compression has just begun.
    if (info.size === 0 && file.endsWith('.gz')) return false;
    const version = `${info.ino} ${info.size} ${info.mtimeMs}`;
    if (finished.has(version)) return true;
    const source = await openSource(file);
    const beginning = await headOf(source.chunks(), HEAD_BYTES_MAX);
    const head = beginning.head.subarray(0, HEAD_BYTES_MAX);
    // A compressed copy of a file that is still held: its journal may not be on disk yet.
    for (const held of retiring) if (await held.isIn(source, head)) return false;
    // Read to its end, and unchanged since: skip it. A short beginning, such as a header, may be that of other files, too.
    for (const known of states.filter(({ state }) => beginsLike(head, state.key))) {
      if (!(await isDone(known, info.mtimeMs))) continue;
      const isSurely = known.state.key.headBytes === HEAD_BYTES_MAX;
      if (isSurely || (await beginsAs(source, known.state)) === true) {
        finished.add(version);
        return true;
      }
    }
    const found = await findAlike(target, (target) => findState(source, head, target, stateFolders));
    // In the same tick of the file system's clock as the marker, it may be later: count it rather than lose it.
    if (found.is === 'prefix' || (found.is === 'new' && info.mtimeMs < sinceMs)) return true;
    const labelled = { ...target, label: found.key.label };
    const rest = new Figures();
    await importFile(source, { ...settings, target: labelled }, { ...ports, figures: rest });
    addFigures(figures, rest);
    if (rest.accepted > 0)
      reporter.note(`${file}: ${rest.accepted} events that had not been read before it was rotated`);
    return true;
  }

  return {
    /** Finishes files that were rotated before. */
    async start(): Promise<void> {
      looked = await inodeNow();
      await finishRotated();
    },

    /** Reads what was written, and follows rotations. @returns whether there was anything to read */
    async step(): Promise<boolean> {
      if (seek !== undefined && now() >= seek.nextMs) {
        await finishRotated();
        const { untilMs } = seek;
        seek = now() < untilMs ? { untilMs, nextMs: now() + SEEK_EVERY_MS } : undefined;
      }
      let grew = await retire();
      if (current === undefined) current = await opened();
      if (current === undefined) return grew;
      const read = await current.read();
      if (read === 'truncated') {
        const rewritten = current;
        current = undefined;
        await rewritten.close({ done: false });
        // The unread part is in the copy, if there is one.
        seek = { untilMs: now() + SEEK_MS, nextMs: now() };
        return true;
      }
      grew ||= read;
      const inode = await inodeNow();
      if (inode === current.inode) return grew;
      // Renamed or removed: continue on its handle, and follow the new file as soon as it exists.
      retiring.push(current);
      current = undefined;
      return true;
    },

    /** Delivers what was read, and closes all files. */
    async close(): Promise<void> {
      for (const file of [...retiring, current]) await file?.close({ done: false });
    },
  };
}

/**
 * Whether a file's name is that of a rotated one: `access.log.1`, or the date comes before the extension, as in
 * `access-20261203.log`. Without a date, `access-api.log` would be one.
 */
function isRotated(own: string, name: string): boolean {
  if (name.startsWith(own) && /^[.-]/.test(name.slice(own.length))) return true;
  const { name: stem, ext } = parse(own);
  const end = [ext, `${ext}.gz`].find((each) => name.endsWith(each));
  if (end === undefined || !name.startsWith(stem)) return false;
  return /^[.-]\d{4}-?\d\d-?\d\d[-_.T\dZ]*$/.test(name.slice(stem.length, -end.length));
}

/** Whether a file was read to its end, and not written to since. */
async function isDone({ path, state }: StoredState, mtimeMs: number): Promise<boolean> {
  const { ends, done, open: begun } = state;
  const last = ends.at(-1);
  // Lines that do not count may follow the last batch.
  const isRead = last !== undefined && begun.length === 0 && (done.at(-1)?.to ?? 0) <= last.to;
  return isRead && mtimeMs < (await stat(path)).mtimeMs;
}
