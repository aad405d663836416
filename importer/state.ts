// What an import has done so far, as a pure function of its journal's entries. Shapes are those of the journal's lines.

import { StateError } from './errors.ts';
import type { ReadingPlan } from './formats/index.ts';
import { type ByteRange, joinRanges, withRange } from './ranges.ts';

/** Which import a journal belongs to. */
export interface ImportKey {
  readonly identity: string;
  /** How many first bytes of the file the identity is a hash of. */
  readonly headBytes: number;
  readonly label: string;
  readonly url: string;
  readonly metric: string;
}

/** A batch that was begun and is not finished. */
export interface OpenBatch extends ByteRange {
  /** Start of the first attempt whose outcome is not known (epoch ms); undefined if it is certain that nothing more is stored. */
  readonly since: number | undefined;
  /** Offsets of the events not yet known to be stored; undefined means all of the batch. */
  readonly left: readonly number[] | undefined;
}

/** Everything an import remembers. */
export interface ImportState {
  readonly key: ImportKey;
  /** How the file was read. */
  readonly plan: ReadingPlan;
  /** The file's name at the last import; for people only. */
  readonly file: string;
  readonly done: readonly ByteRange[];
  readonly open: ReadonlyMap<number, OpenBatch>;
  /** Offsets of events that the service refused, and of those that the user gave up as uncertain. */
  readonly rejected: readonly number[];
  readonly abandoned: readonly number[];
  /** Events the service has accepted. */
  readonly accepted: number;
  /** When the service last accepted some (epoch ms). */
  readonly acceptedAt: number | undefined;
}

/**
 * A line of the journal. `send`: a request is about to be made. `none`: nothing of the batch was stored by it.
 * `left`: all but these are stored, or refused. `ok`: the batch is finished. `abandon`: the user gave these events up.
 */
export type Entry =
  | {
      readonly t: 'send';
      readonly from: number;
      readonly to: number;
      readonly crc: number;
      readonly since: number;
    }
  | { readonly t: 'none'; readonly from: number }
  | {
      readonly t: 'left';
      readonly from: number;
      readonly offsets: readonly number[];
      readonly accepted: number;
      readonly since: number | undefined;
    }
  | {
      readonly t: 'ok';
      readonly from: number;
      readonly accepted: number;
      readonly rejected: readonly number[];
      readonly at: number;
    }
  | { readonly t: 'abandon'; readonly from: number; readonly offsets: readonly number[] };

const kind = 'tally-import';
const version = 1;

export function newState(key: ImportKey, plan: ReadingPlan, file: string): ImportState {
  return {
    key,
    plan,
    file,
    done: [],
    open: new Map(),
    rejected: [],
    abandoned: [],
    accepted: 0,
    acceptedAt: undefined,
  };
}

/** The state after one more entry. */
export function applyEntry(state: ImportState, entry: Entry): ImportState {
  const open = new Map(state.open);
  const batch = open.get(entry.from);
  if (entry.t === 'send') {
    const { from, to, crc, since } = entry;
    open.set(from, { from, to, crc, since, left: batch?.left });
    return { ...state, open };
  }
  if (!batch) throw new StateError(`the journal finishes a batch at byte ${entry.from} that it never began`);
  switch (entry.t) {
    case 'none':
      open.set(entry.from, { ...batch, since: undefined });
      return { ...state, open };
    case 'left':
      open.set(entry.from, { ...batch, left: entry.offsets, since: entry.since });
      return { ...state, open, accepted: state.accepted + entry.accepted };
    case 'ok':
      open.delete(entry.from);
      return {
        ...state,
        open,
        done: finished(state.done, batch),
        rejected: [...state.rejected, ...entry.rejected],
        accepted: state.accepted + entry.accepted,
        acceptedAt: entry.at,
      };
    case 'abandon':
      open.delete(entry.from);
      return {
        ...state,
        open,
        done: finished(state.done, batch),
        abandoned: [...state.abandoned, ...entry.offsets],
      };
  }
}

function finished(done: readonly ByteRange[], { from, to, crc }: OpenBatch): ByteRange[] {
  return withRange(done, { from, to, crc });
}

/** The state as one line, which begins a journal. */
export function snapshotLine(state: ImportState): string {
  return `${JSON.stringify({ kind, version, ...state, open: [...state.open.values()] })}\n`;
}

/**
 * Reads a journal. A last line that was cut off by a crash is left out: what it says never happened, since requests
 * are made after their entry is safe. Throws StateError if the file is something else.
 */
export function parseJournal(text: string, fileName: string): ImportState {
  const lines = text.split('\n');
  lines.pop();
  const [first, ...rest] = lines;
  const head = first === undefined ? undefined : jsonOf(first);
  if (!isSnapshot(head)) {
    throw new StateError(`${fileName} is not an import state of this version; move it away to import anew`);
  }
  const { kind: _kind, version: _version, open, done, ...others } = head;
  let state: ImportState = {
    ...others,
    acceptedAt: others.acceptedAt,
    done: joinRanges(done),
    open: new Map(
      open.map((batch) => [batch.from, { ...batch, since: batch.since, left: batch.left }] as const),
    ),
  };
  for (const [i, line] of rest.entries()) {
    const entry = jsonOf(line);
    if (!isEntry(entry)) throw new StateError(`${fileName} is damaged in line ${i + 2}`);
    state = applyEntry(state, entry);
  }
  return state;
}

interface Snapshot extends Omit<ImportState, 'open'> {
  readonly kind: string;
  readonly version: number;
  readonly open: readonly OpenBatch[];
}

function jsonOf(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

function isSnapshot(value: unknown): value is Snapshot {
  if (typeof value !== 'object' || value === null) return false;
  if (!('kind' in value && value.kind === kind && 'version' in value && value.version === version))
    return false;
  return 'key' in value && 'done' in value && Array.isArray(value.done) && 'open' in value;
}

function isEntry(value: unknown): value is Entry {
  return typeof value === 'object' && value !== null && 't' in value && 'from' in value;
}
