// What has been imported of a file so far, as a pure function of its journal's entries. Types match the journal's lines.
import { digestOf } from '../../formats/batches.ts';
import type { ReadingPlan } from '../../formats/plan.ts';
import { fieldsOf, jsonIn } from '../../lambdas/core/json.ts';
import { StateError } from '../shared/errors.ts';

/** Bytes of the uncompressed beginning that identify a file. */
export const HEAD_BYTES_MAX = 64 * 1024;

/** Where events go, and the user's label for the file, in case its content alone does not identify it. */
export interface Target {
  /** The service's identity, independent of its address. */
  readonly service: string;
  readonly metric: string;
  readonly label: string;
}

/** A file and its target. A file is identified by content, not by name, folder or compression. */
export interface StateKey extends Target {
  readonly identity: string;
  /** The identity is a hash of this many first bytes. */
  readonly headBytes: number;
}

/** The identity of a file: a hash of its first bytes, and of its label. */
export function fileIdentity(head: Buffer, label: string): string {
  return digestOf(`tally import 1\n${label}\n${head.length}\n`, head);
}

/** The label of the nth of several files with the same beginning; the first one has the user's. */
export function numberedLabel(label: string, nth: number): string {
  return nth === 1 ? label : `${label}~${nth}`;
}

/** The user's label, of a numbered one. */
export function usersLabel(label: string): string {
  return label.replace(/~\d+$/, '');
}

export function keyOf(head: Buffer, target: Target): StateKey {
  return { identity: fileIdentity(head, target.label), headBytes: head.length, ...target };
}

/** The prefix of a file's batch keys. */
export function batchName({ identity, metric }: StateKey): string {
  return digestOf(`${identity}\n${metric}`);
}

/** Bytes `from` up to, not including, `to`; `crc` is the checksum of all bytes of the file before `to`. */
export interface ByteRange {
  readonly from: number;
  readonly to: number;
  readonly crc: number;
}

/** A batch that was started and not finished. */
export interface OpenBatch extends ByteRange {
  /** Start of the first attempt with an unknown outcome (epoch ms); absent if none of it can be stored. */
  readonly since?: number;
}

export interface ImportState {
  readonly key: StateKey;
  /** How the file was read. */
  readonly plan: ReadingPlan;
  /** The file's path at the last import. */
  readonly path: string;
  readonly done: readonly ByteRange[];
  readonly open: readonly OpenBatch[];
  /** Batches that the user gave up as uncertain. */
  readonly abandoned: readonly { readonly from: number; readonly to: number }[];
  /** Where the file ended at each complete import, and the checksum of its bytes. */
  readonly ends: readonly { readonly to: number; readonly crc: number }[];
  /** Events accepted by the service, and when it last accepted one (epoch ms). */
  readonly accepted: number;
  readonly acceptedAt?: number;
}

/**
 * A line of the journal. `send`: a request is about to be sent. `none`: it stored nothing. `ok`: the batch is finished.
 * `abandon`: the user gave it up. `end`: the file ends here, and all of it is done.
 */
export type Entry =
  | ({ readonly t: 'send'; readonly since: number } & ByteRange)
  | { readonly t: 'none'; readonly from: number }
  | { readonly t: 'abandon'; readonly from: number }
  | { readonly t: 'ok'; readonly from: number; readonly accepted: number; readonly at: number }
  | { readonly t: 'end'; readonly to: number; readonly crc: number };

const KIND = 'tally-import';
const VERSION = 2;

export function newState(key: StateKey, plan: ReadingPlan, path: string): ImportState {
  return { key, plan, path, done: [], open: [], abandoned: [], ends: [], accepted: 0 };
}

export function applyEntry(state: ImportState, entry: Entry): ImportState {
  if (entry.t === 'end') {
    const { to, crc } = entry;
    return { ...state, ends: [...state.ends.filter((one) => one.to !== to), { to, crc }] };
  }
  const batch = state.open.find(({ from }) => from === entry.from);
  const open = state.open.filter((one) => one !== batch);
  if (entry.t === 'send') {
    const { from, to, crc, since } = entry;
    return { ...state, open: [...open, { from, to, crc, since: batch?.since ?? since }] };
  }
  if (!batch) throw new StateError(`the journal finishes a batch at byte ${entry.from} that it never began`);
  const { from, to, crc } = batch;
  if (entry.t === 'none') return { ...state, open: [...open, { from, to, crc }] };
  const done = withRange(state.done, { from, to, crc });
  if (entry.t === 'abandon') return { ...state, open, done, abandoned: [...state.abandoned, { from, to }] };
  return { ...state, open, done, accepted: state.accepted + entry.accepted, acceptedAt: entry.at };
}

/** Adds a range and joins adjacent ones. It may overlap others; the one that ends later determines the checksum. */
export function withRange(ranges: readonly ByteRange[], added: ByteRange): ByteRange[] {
  const before = ranges.filter((range) => range.to < added.from);
  const after = ranges.filter((range) => range.from > added.to);
  const touching = ranges.filter((range) => range.to >= added.from && range.from <= added.to);
  const joined = touching.reduce(
    (sum, range) => ({
      from: Math.min(sum.from, range.from),
      to: Math.max(sum.to, range.to),
      crc: range.to > sum.to ? range.crc : sum.crc,
    }),
    added,
  );
  return [...before, joined, ...after];
}

/** The state as one line, the first of a journal. */
export function snapshotLine(state: ImportState): string {
  return `${JSON.stringify({ kind: KIND, version: VERSION, ...state })}\n`;
}

/**
 * Parses a journal. Ignores a last line truncated by a crash: its step never happened, since requests are sent only after
 * their entry is on disk. Throws StateError for any other file.
 */
export function parseJournal(text: string, fileName: string): ImportState {
  const lines = text.split('\n');
  lines.pop();
  const [first = '', ...rest] = lines;
  const head = jsonIn(first);
  if (!isSnapshot(head)) {
    throw new StateError(
      `${fileName} is not an import state of this version: move it away to import the file again`,
    );
  }
  const { kind: _kind, version: _version, ...snapshot } = head;
  let state: ImportState = snapshot;
  for (const [i, line] of rest.entries()) {
    const entry = jsonIn(line);
    if (fieldsOf(entry)?.['t'] === undefined) throw new StateError(`${fileName} is damaged in line ${i + 2}`);
    state = applyEntry(state, entry as Entry);
  }
  return state;
}

interface Snapshot extends ImportState {
  readonly kind: string;
  readonly version: number;
}

function isSnapshot(value: unknown): value is Snapshot {
  const { kind, version, key, done, open }: Partial<Snapshot> = fieldsOf(value) ?? {};
  return (
    kind === KIND && version === VERSION && key !== undefined && Array.isArray(done) && Array.isArray(open)
  );
}
