// Where import states live, and which of them belongs to a file.

import { createHash } from 'node:crypto';
import { access, constants, mkdir, readdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { crc32 } from 'node:zlib';
import { StateError, systemCode } from './errors.ts';
import { fileIdentity, headBytesMax } from './identity.ts';
import { peekJournal } from './journal.ts';
import type { Source } from './source.ts';
import type { ImportKey, ImportState } from './state.ts';

/** Name of the folder beside the imported files. */
export const stateFolder = '.tally-import';

/** Where a file's state is, or is to be. */
export interface StatePlace {
  readonly key: ImportKey;
  readonly path: string;
  readonly known: boolean;
  /** Set where the state could not be kept beside the file. */
  readonly elsewhere: boolean;
}

/** What, besides content, an import state belongs to. */
export interface ImportTarget {
  readonly label: string;
  readonly url: string;
  readonly metric: string;
}

export interface StateFolders {
  /** The folder the user chose, if any. */
  readonly chosen: string | undefined;
  /** Where states go that can not be kept beside their file. */
  readonly home: string;
}

/**
 * Finds the state of an earlier import of this very content, or the place for a new one: in the chosen folder, or else
 * beside the file, or else in the user's state home where that folder cannot be written to.
 */
export async function findState(
  source: Source,
  head: Buffer,
  target: ImportTarget,
  folders: StateFolders,
): Promise<StatePlace> {
  const beside = join(dirname(source.path), stateFolder);
  const { chosen, home } = folders;
  const candidates = chosen === undefined ? [beside, home] : [chosen];
  for (const folder of candidates) {
    const found = await stateIn(folder, source, head, target);
    if (found) return { ...found, known: true, elsewhere: chosen === undefined && folder !== beside };
  }
  const key: ImportKey = { identity: fileIdentity(head, target.label), headBytes: head.length, ...target };
  for (const folder of candidates) {
    if (!(await isWritable(folder))) continue;
    await mkdir(folder, { recursive: true });
    const path = join(folder, stateFileName(key));
    return { key, path, known: false, elsewhere: chosen === undefined && folder !== beside };
  }
  throw new StateError(
    `no folder for the import state can be written to (${candidates.join(', ')}); name one with --state`,
  );
}

function stateFileName(key: ImportKey): string {
  const target = createHash('sha256').update(`${key.url}\n${key.metric}`).digest('hex').slice(0, 8);
  return `${key.identity}-${target}.jsonl`;
}

type Found = Pick<StatePlace, 'key' | 'path'>;

async function stateIn(
  folder: string,
  source: Source,
  head: Buffer,
  target: ImportTarget,
): Promise<Found | undefined> {
  const exact: ImportKey = { identity: fileIdentity(head, target.label), headBytes: head.length, ...target };
  const exactPath = join(folder, stateFileName(exact));
  const exactState = await peekJournal(exactPath);
  if (exactState) {
    if (await beginsAs(source, exactState)) return { key: exactState.key, path: exactPath };
    throw new StateError(
      `${source.name} begins like ${exactState.file}, which was imported as metric ${target.metric}, but is not that file with lines appended. ` +
        'If it was changed, its lines would be counted again; if it is another file, give it a name of its own with --label',
    );
  }
  // A file that was shorter than the head when it was first imported, and has grown.
  const grown = (await statesIn(folder)).filter(
    ({ state: { key } }) =>
      key.headBytes < headBytesMax &&
      key.headBytes < head.length &&
      key.url === target.url &&
      key.metric === target.metric &&
      key.identity === fileIdentity(head.subarray(0, key.headBytes), target.label),
  );
  for (const { path, state } of grown.toSorted((a, b) => b.state.key.headBytes - a.state.key.headBytes)) {
    if (await beginsAs(source, state)) return { key: state.key, path };
  }
  return undefined;
}

async function statesIn(folder: string): Promise<{ path: string; state: ImportState }[]> {
  const names = await readdir(folder).catch(() => []);
  const states: { path: string; state: ImportState }[] = [];
  for (const name of names.filter((one) => one.endsWith('.jsonl'))) {
    const path = join(folder, name);
    // A damaged state of some other file must not stop this import.
    const state = await peekJournal(path).catch(() => undefined);
    if (state) states.push({ path, state });
  }
  return states;
}

/** Whether the file holds, at its beginning, exactly the bytes that the state is about. */
export async function beginsAs(source: Source, state: ImportState): Promise<boolean> {
  const checks = [...state.done, ...state.open.values()].toSorted((a, b) => a.to - b.to);
  let next = 0;
  let offset = 0;
  let crc = 0;
  if (checks.length === 0) return true;
  for await (const chunk of source.chunks()) {
    let from = 0;
    for (let check = checks[next]; check && check.to <= offset + chunk.length; check = checks[next]) {
      crc = crc32(chunk.subarray(from, check.to - offset), crc);
      from = check.to - offset;
      if (crc !== check.crc) return false;
      next += 1;
    }
    if (next === checks.length) return true;
    crc = crc32(chunk.subarray(from), crc);
    offset += chunk.length;
  }
  return false;
}

/** Whether a folder, or the nearest one above it that exists, may be written to; write-protection binds root too. */
async function isWritable(folder: string): Promise<boolean> {
  try {
    const info = await stat(folder);
    if (!info.isDirectory() || (info.mode & 0o222) === 0) return false;
    await access(folder, constants.W_OK);
    return true;
  } catch (error) {
    const parent = dirname(folder);
    return systemCode(error) === 'ENOENT' && parent !== folder && isWritable(parent);
  }
}
