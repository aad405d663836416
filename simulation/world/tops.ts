// The top lists in the fake ledger table: packed as they are in DynamoDB, put on condition of a revision, deleted by TTL.
import { decodeTop, EMPTY_TOP, encodeTop } from '../../lambdas/counting/top-list.ts';
import { type TopName, topKey } from '../../lambdas/counting/top-name.ts';
import type { StoredTop, TopStore } from '../../lambdas/level-ports.ts';
import type { Clock } from '../../lambdas/ports.ts';
import type { Network } from './network.ts';
import { type Placed, UNWATCHED, type WorldObserver } from './observer.ts';

/** A list as an item. */
interface TopItem {
  readonly text: string;
  readonly revision: number;
  readonly expiresAt: number | undefined;
}

/** The top lists' state. */
export class FakeTops {
  readonly #items = new Map<string, TopItem>();
  readonly #clock: Clock;
  readonly #ttlDelayMs: number;
  readonly #observer: WorldObserver;

  /** @param ttlDelayMs how long after its expiry an item is deleted */
  constructor(clock: Clock, ttlDelayMs = 0, observer: WorldObserver = UNWATCHED) {
    this.#clock = clock;
    this.#ttlDelayMs = ttlDelayMs;
    this.#observer = observer;
  }

  /** Every list that is there, by its keys. */
  lists(): {
    readonly pk: string;
    readonly sk: string;
    readonly entries: readonly Placed[];
    readonly outside: Placed | undefined;
  }[] {
    this.#expire();
    return [...this.#items].map(([name, { text }]) => {
      const [pk = '', sk = ''] = name.split('\n');
      return { pk, sk, ...decodeTop(text) };
    });
  }

  read(name: TopName): StoredTop {
    this.#expire();
    const item = this.#items.get(nameOf(name));
    if (item === undefined) return { list: EMPTY_TOP, revision: 0, expiresAt: undefined };
    const { text, revision, expiresAt } = item;
    return { list: decodeTop(text), revision, expiresAt };
  }

  /** @returns whether the condition held */
  put(name: TopName, { list, revision, expiresAt }: StoredTop): boolean {
    this.#expire();
    const stored = this.#items.get(nameOf(name));
    if ((stored?.revision ?? 0) !== revision - 1) return false;
    this.#items.set(nameOf(name), { text: encodeTop(list), revision, expiresAt });
    const { pk, sk } = topKey(name);
    this.#observer.topPut(pk, sk, list.entries, list.outside);
    return true;
  }

  #expire(): void {
    const nowMs = this.#clock.nowMs();
    for (const [name, { expiresAt }] of this.#items) {
      if (expiresAt !== undefined && expiresAt * 1000 + this.#ttlDelayMs <= nowMs) this.#items.delete(name);
    }
  }
}

/** One client of the top lists. */
export class TopsClient implements TopStore {
  readonly #tops: FakeTops;
  readonly #network: Network;

  constructor(tops: FakeTops, network: Network) {
    this.#tops = tops;
    this.#network = network;
  }

  readTop(name: TopName): Promise<StoredTop> {
    return this.#call('readTop', name, () => this.#tops.read(name));
  }

  async putTop(name: TopName, top: StoredTop): Promise<'put' | 'conflict'> {
    return (await this.#call('putTop', name, () => this.#tops.put(name, top))) ? 'put' : 'conflict';
  }

  #call<T>(operation: string, name: TopName, effect: () => T): Promise<T> {
    return this.#network.call({
      service: 'ledger',
      operation,
      subject: nameOf(name).replace('\n', ' '),
      effect,
    });
  }
}

function nameOf(name: TopName): string {
  const { pk, sk } = topKey(name);
  return `${pk}\n${sk}`;
}
