// One table: items by key, in order, with older versions if stale reads are simulated.
import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import type { Clock } from '../call.ts';
import { validationError } from '../errors.ts';
import { compareNumbers, compareText, type Item, itemBytes } from './values.ts';

/** A key attribute: its name and type. */
export interface KeyAttribute {
  readonly name: string;
  readonly type: 'S' | 'N' | 'B';
}

export interface TableSettings {
  readonly hash: KeyAttribute;
  readonly range?: KeyAttribute | undefined;
  /** The attribute with an item's expiry, epoch seconds; undefined: nothing expires. */
  readonly ttl?: string | undefined;
}

/** A stored item; undefined once it is deleted. Immutable: a write creates another version. */
export interface Version {
  readonly item: Item | undefined;
  readonly bytes: number;
  readonly before: Version | undefined;
}

/** How late expired items are deleted, and how many older versions are kept for stale reads. */
interface TableBehaviour {
  readonly clock: Clock;
  /** Milliseconds from an item's expiry to its deletion; `Infinity` keeps it. */
  readonly ttlDelayMs: (item: Item) => number;
  readonly versionsKept: number;
  /** Called for every changed item. */
  readonly changed: (before: Item | undefined, after: Item | undefined, cause: 'write' | 'expiry') => void;
}

const HASH_KEY_BYTES_MAX = 2_048;
const RANGE_KEY_BYTES_MAX = 1_024;
/** TTL ignores items that expired longer ago: such a number is a mistake. */
const TTL_AGE_MAX_MS = 5 * 366 * 86_400_000;

class Partition {
  readonly versions = new Map<string, Version>();
  /** Sort keys in order; sorted on read. */
  order: string[] = [];
  isSorted = true;
}

/** The items of one table. */
export class Table {
  readonly settings: TableSettings;
  readonly #behaviour: TableBehaviour;
  readonly #partitions = new Map<string, Partition>();
  #scanOrder: string[] | undefined;
  readonly #compare: (one: string, other: string) => number;

  constructor(settings: TableSettings, behaviour: TableBehaviour) {
    this.settings = settings;
    this.#behaviour = behaviour;
    this.#compare = settings.range?.type === 'N' ? compareNumbers : compareText;
  }

  /** The newest version under a key. */
  version(key: Item): Version | undefined {
    const partition = this.#partitions.get(this.hashOf(key));
    const name = this.rangeOf(key);
    const version = partition?.versions.get(name);
    return version === undefined ? undefined : this.#unexpired(version);
  }

  /** Replaces what is under a key; undefined deletes it. */
  put(key: Item, item: Item | undefined, bytes = item === undefined ? 0 : itemBytes(item)): void {
    const hash = this.hashOf(key);
    let partition = this.#partitions.get(hash);
    if (partition === undefined) {
      partition = new Partition();
      this.#partitions.set(hash, partition);
      this.#scanOrder = undefined;
    }
    const range = this.rangeOf(key);
    const before = partition.versions.get(range);
    if (before === undefined) {
      if (item === undefined) return;
      const last = partition.order.at(-1);
      if (last !== undefined && this.#compare(last, range) > 0) partition.isSorted = false;
      partition.order.push(range);
    }
    const kept = this.#behaviour.versionsKept;
    if (item === undefined && kept === 0) {
      partition.versions.delete(range);
      const order = this.#sorted(partition);
      order.splice(this.#place(order, range), 1);
    } else partition.versions.set(range, { item, bytes, before: remembered(before, kept) });
    this.#behaviour.changed(before?.item, item, 'write');
  }

  /** The versions of one partition in order, from or after a sort key, whose sort keys pass a test. */
  *inOrder(
    hash: string,
    { descending, after, least, most, isOpen = false }: QueryRange,
  ): Iterable<readonly [range: string, version: Version]> {
    const partition = this.#partitions.get(hash);
    if (partition === undefined) return;
    const order = this.#sorted(partition);
    let from = least === undefined ? 0 : this.#place(order, least, isOpen);
    let to = most === undefined ? order.length : this.#place(order, most, !isOpen);
    if (after !== undefined && descending) to = Math.min(to, this.#place(order, after));
    else if (after !== undefined) from = Math.max(from, this.#place(order, after, true));
    const step = descending ? -1 : 1;
    for (let place = descending ? to - 1 : from; place >= from && place < to; place += step) {
      const name = order[place] as string;
      const version = partition.versions.get(name);
      if (version !== undefined) yield [name, this.#unexpired(version)];
    }
  }

  /** Every version in scan order, which is not the keys' order, after a key; optionally of one segment. */
  *scan(
    after: Item | undefined,
    segment = 0,
    segments = 1,
  ): Iterable<readonly [key: Item, version: Version]> {
    this.#scanOrder ??= [...this.#partitions.keys()].sort(
      (one, other) => scatter(one) - scatter(other) || compareText(one, other),
    );
    const order = this.#scanOrder;
    const afterHash = after && this.hashOf(after);
    const start = afterHash === undefined ? 0 : order.indexOf(afterHash);
    for (const hash of order.slice(Math.max(0, start))) {
      if (segments > 1 && scatter(hash) % segments !== segment) continue;
      const range = hash === afterHash && after !== undefined ? { after: this.rangeOf(after) } : {};
      for (const [name, version] of this.inOrder(hash, range)) yield [this.keyOf(hash, name), version];
    }
  }

  /** The existing items, including expired ones that TTL has not deleted yet. */
  *items(): Iterable<Item> {
    for (const [, { item }] of this.scan(undefined)) if (item !== undefined) yield item;
  }

  /** The hash key of a key or item as text. @throws ValidationException when it is missing */
  hashOf(item: Item): string {
    return keyText(item, this.settings.hash, HASH_KEY_BYTES_MAX);
  }

  /** The sort key as text; empty if the table has none. */
  rangeOf(item: Item): string {
    const { range } = this.settings;
    return range === undefined ? '' : keyText(item, range, RANGE_KEY_BYTES_MAX);
  }

  /** A key from its texts. */
  keyOf(hash: string, range: string): Item {
    const { hash: first, range: second } = this.settings;
    const key: Item = { [first.name]: keyValue(first, hash) };
    if (second !== undefined) key[second.name] = keyValue(second, range);
    return key;
  }

  /** The key of an item. */
  keyIn(item: Item): Item {
    return this.keyOf(this.hashOf(item), this.rangeOf(item));
  }

  #sorted(partition: Partition): string[] {
    if (!partition.isSorted) {
      partition.order.sort(this.#compare);
      partition.isSorted = true;
    }
    return partition.order;
  }

  /** Binary search: the place of the first sort key that is not below a bound, or that is above it. */
  #place(order: readonly string[], bound: string, isAbove = false): number {
    let [low, high] = [0, order.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      const difference = this.#compare(order[middle] as string, bound);
      if (difference > 0 || (difference === 0 && !isAbove)) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  /** A version, or its deletion if TTL has deleted it. */
  #unexpired(version: Version): Version {
    const { item } = version;
    const { ttl } = this.settings;
    const end = ttl === undefined ? undefined : item?.[ttl]?.N;
    if (item === undefined || end === undefined) return version;
    const { clock, ttlDelayMs, changed } = this.#behaviour;
    const endMs = Number(end) * 1000;
    const nowMs = clock.nowMs();
    if (endMs > nowMs || nowMs - endMs > TTL_AGE_MAX_MS || endMs + ttlDelayMs(item) > nowMs) return version;
    const gone: Version = { item: undefined, bytes: 0, before: version };
    this.#partitions.get(this.hashOf(item))?.versions.set(this.rangeOf(item), gone);
    changed(item, undefined, 'expiry');
    return gone;
  }
}

/** Bounds of the sort key, which are included unless the range is open. */
export interface KeyBounds {
  readonly least?: string;
  readonly most?: string;
  readonly isOpen?: boolean;
}

/** The part of a partition that a query reads. */
interface QueryRange extends KeyBounds {
  readonly descending?: boolean;
  readonly after?: string | undefined;
}

/** Keeps up to `kept` older versions. */
function remembered(version: Version | undefined, kept: number): Version | undefined {
  if (version === undefined || kept === 0) return undefined;
  return version.before === undefined
    ? version
    : { ...version, before: remembered(version.before, kept - 1) };
}

function keyText(item: Item, { name, type }: KeyAttribute, bytesMax: number): string {
  const value = item[name];
  const text = type === 'B' ? value?.B && Buffer.from(value.B).toString('latin1') : value?.[type];
  if (text === undefined)
    throw validationError(`The provided key element does not match the schema: ${name}`);
  if (text === '') {
    throw validationError(
      `One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty string value. Key: ${name}`,
    );
  }
  if (text.length > bytesMax / 4 && Buffer.byteLength(text, type === 'B' ? 'latin1' : 'utf8') > bytesMax) {
    throw validationError(
      `One or more parameter values were invalid: Size of ${name} has exceeded the maximum`,
    );
  }
  return text;
}

function keyValue({ type }: KeyAttribute, text: string): AttributeValue {
  if (type === 'B') return { B: Buffer.from(text, 'latin1') };
  return type === 'N' ? { N: text } : { S: text };
}

/** FNV-1a: an order unrelated to the keys' order. */
function scatter(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at += 1) hash = Math.imul(hash ^ text.charCodeAt(at), 16_777_619);
  return hash >>> 0;
}
