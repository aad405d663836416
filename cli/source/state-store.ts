// Where import states are stored, and which one belongs to a file.
import { hash } from 'node:crypto';
import { access, constants, mkdir, readdir, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { crc32 } from 'node:zlib';
import { AlikeError, StateError, systemCode } from '../shared/errors.ts';
import { BUSY, lock, peekJournal } from './journal.ts';
import { beginsWith, type Content, openSource, type Source } from './source.ts';
import {
  fileIdentity,
  HEAD_BYTES_MAX,
  type ImportState,
  keyOf,
  type StateKey,
  type Target,
  usersLabel,
} from './state.ts';

/** Name of the folder next to the imported files. */
const STATE_FOLDER = '.tally-import';

/** Where a file's state is, or will be. */
export interface StatePlace {
  readonly key: StateKey;
  readonly path: string;
  /** `new`: never imported. `grown`: the imported content, possibly with more after it. `prefix`: less than was imported. */
  readonly is: 'new' | 'grown' | 'prefix';
}

/** `$XDG_STATE_HOME/tally/import`, by default in `~/.local/state`: for files in read-only folders. */
export function stateHome(): string {
  return join(process.env['XDG_STATE_HOME'] || join(homedir(), '.local', 'state'), 'tally', 'import');
}

/** Where states may be: the folder that the user chose, if any, and the user's state home. */
export interface StateFolders {
  readonly chosen: string | undefined;
  readonly home: string;
}

/**
 * Finds the state of an earlier import of this content, or the place for a new one: in the given folder, else next to the file,
 * else, if that folder is read-only, in the user's state home.
 * @throws StateError if the file begins like an imported one, but differs; AlikeError if it may be another file
 */
export async function findState(
  source: Content,
  head: Buffer,
  target: Target,
  stateFolders: StateFolders,
): Promise<StatePlace> {
  const folders = foldersOf(source.path, stateFolders);
  for (const folder of folders) {
    const found = await stateIn(folder, source, head, target);
    if (found) return found;
  }
  const key = keyOf(head, target);
  return { key, path: join(await writableOf(folders), stateFileName(key)), is: 'new' };
}

/**
 * Locks a file, whatever its content: a file that grows may have a state that is not on disk yet.
 * @returns unlocks it
 * @throws BusyError if another run reads it for the same target; StateError as `findState`
 */
export async function lockFile(
  source: Content,
  { dev, ino }: Source['stats'],
  target: Target,
  stateFolders: StateFolders,
): Promise<() => void> {
  const folder = await writableOf(foldersOf(source.path, stateFolders));
  await mkdir(folder, { recursive: true });
  const label = usersLabel(target.label);
  return lock(join(folder, `${dev}-${ino}-${shortHash(target, label)}.lock`), BUSY);
}

/** The folders that may have a file's state, the preferred one first. */
export function foldersOf(path: string, { chosen, home }: StateFolders): readonly string[] {
  return chosen === undefined ? [join(dirname(path), STATE_FOLDER), home] : [chosen];
}

async function writableOf(folders: readonly string[]): Promise<string> {
  for (const folder of folders) if (await isWritable(folder)) return folder;
  throw new StateError(
    `no folder for the import state is writable (${folders.join(', ')}); name one with --state`,
  );
}

function shortHash({ service, metric }: Pick<Target, 'service' | 'metric'>, label = ''): string {
  return hash('sha256', `${service}\n${metric}${label && `\n${label}`}`).slice(0, 8);
}

function stateFileName(key: StateKey): string {
  return `${key.identity}-${shortHash(key)}.jsonl`;
}

async function stateIn(
  folder: string,
  source: Content,
  head: Buffer,
  target: Target,
): Promise<StatePlace | undefined> {
  const exactPath = join(folder, stateFileName(keyOf(head, target)));
  const exact = await peekJournal(exactPath);
  if (exact) {
    const is = await relation(source, exact);
    if (is !== 'other') return { key: exact.key, path: exactPath, is };
  }
  // A file that was shorter than the head when first imported and has grown, or a prefix of an imported one.
  const related = (await statesIn(folder)).filter(
    ({ state: { key } }) =>
      key.service === target.service &&
      key.metric === target.metric &&
      usersLabel(key.label) === usersLabel(target.label) &&
      (key.headBytes > head.length || (key.headBytes < HEAD_BYTES_MAX && beginsLike(head, key))),
  );
  for (const { path, state } of related.toSorted((a, b) => b.state.key.headBytes - a.state.key.headBytes)) {
    const is = await relation(source, state);
    if (is !== 'other') return { key: state.key, path, is };
  }
  if (exact === undefined) return undefined;
  // With so long a beginning in common, they are one content of which something has changed.
  const Kind = head.length < HEAD_BYTES_MAX ? AlikeError : StateError;
  throw new Kind(
    `${source.name} begins like ${exact.path}, which was imported as metric ${target.metric}, but is not that file with lines appended. ` +
      'If it was changed, its lines would count again; if it is another file, name it with --label',
  );
}

/** Whether a file with this beginning may be the one that a key identifies. */
export function beginsLike(head: Buffer, { headBytes, identity, label }: StateKey): boolean {
  return headBytes <= head.length && identity === fileIdentity(head.subarray(0, headBytes), label);
}

/** A state, and where it is stored. */
export interface StoredState {
  readonly path: string;
  readonly state: ImportState;
}

/** All states in a folder; another file's damaged state must not stop an import. */
export async function statesIn(folder: string): Promise<StoredState[]> {
  const names = await readdir(folder).catch(() => []);
  const states: StoredState[] = [];
  for (const name of names.filter((one) => one.endsWith('.jsonl'))) {
    const path = join(folder, name);
    const state = await peekJournal(path).catch(() => undefined);
    if (state) states.push({ path, state });
  }
  return states;
}

/** How a file relates to the bytes that a state describes. */
async function relation(source: Content, state: ImportState): Promise<'grown' | 'prefix' | 'other'> {
  const seen = await beginsAs(source, state);
  if (seen === true) return 'grown';
  if (seen === false) return 'other';
  if (state.ends.some(({ to, crc }) => to === seen.to && crc === seen.crc)) return 'prefix';
  // Between two recorded ends, only the original file can tell, if it still exists.
  const earlier = await openSource(state.path).catch(() => undefined);
  return earlier && earlier.path !== source.path && (await beginsWith(earlier, source)) ? 'prefix' : 'other';
}

/** Whether the file begins with exactly the bytes that the state describes; if it is shorter, where it ends. */
export async function beginsAs(
  source: Content,
  state: ImportState,
): Promise<boolean | { to: number; crc: number }> {
  const checks = [...state.done, ...state.open].toSorted((a, b) => a.to - b.to);
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
  return { to: offset, crc };
}

/** Whether a folder, or its nearest existing ancestor, is writable; a read-only file system binds root too. */
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
