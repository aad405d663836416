// The levels in the fake counter table: it carries out the compactor's real update expressions, and deletes by TTL.
import type { CounterKey } from '../../lambdas/counting/counter-item.ts';
import {
  type Level,
  type LevelChange,
  type LevelItem,
  type LevelName,
  levelChangeParams,
  levelItemOf,
  levelKey,
  startOfLevelKey,
} from '../../lambdas/counting/levels.ts';
import type { LevelStore } from '../../lambdas/level-ports.ts';
import type { Clock } from '../../lambdas/ports.ts';
import { UnknownExpression } from './counters.ts';
import type { Network } from './network.ts';
import { UNWATCHED, type WorldObserver } from './observer.ts';

/** An item of a level as it is stored. */
export interface StoredLevel {
  readonly key: CounterKey;
  readonly numbers: Map<string, bigint>;
}

/** The levels' state. */
export class FakeLevels {
  readonly #items = new Map<string, StoredLevel>();
  readonly #clock: Clock;
  readonly #ttlDelayMs: number;
  readonly #observer: WorldObserver;

  /** @param ttlDelayMs how long after its expiry an item is deleted */
  constructor(clock: Clock, ttlDelayMs = 0, observer: WorldObserver = UNWATCHED) {
    this.#clock = clock;
    this.#ttlDelayMs = ttlDelayMs;
    this.#observer = observer;
  }

  /** Every item that is there. */
  items(): StoredLevel[] {
    this.#expire();
    return [...this.#items.values()];
  }

  /** The numbers of an item by attribute; undefined when there is none. */
  numbers({ pk, sk }: CounterKey): ReadonlyMap<string, bigint> | undefined {
    this.#expire();
    const found = this.#items.get(`${pk}\n${sk}`);
    return found && new Map(found.numbers);
  }

  /** @returns whether the condition held */
  set(change: LevelChange): boolean {
    this.#expire();
    const key = levelKey(change.name);
    const name = `${key.pk}\n${key.sk}`;
    const item = this.#items.get(name) ?? { key, numbers: new Map<string, bigint>() };
    const params = levelChangeParams(change);
    const numberIn = (placeholder: string) => {
      const value = params.ExpressionAttributeValues[placeholder];
      if (value === undefined || !('N' in value)) throw new UnknownExpression(placeholder);
      return BigInt(value.N);
    };
    if (!this.#holds(params.ConditionExpression, name, numberIn)) return false;
    const assignments = /^SET (.*)$/.exec(params.UpdateExpression)?.[1];
    if (assignments === undefined) throw new UnknownExpression(params.UpdateExpression);
    for (const assignment of assignments.split(', ')) {
      const [attribute = '', placeholder = ''] = assignment.split(' = ');
      item.numbers.set(attribute, numberIn(placeholder));
    }
    this.#items.set(name, item);
    this.#observer.levelSet(key.pk, key.sk, item.numbers);
    return true;
  }

  #holds(condition: string, name: string, numberIn: (placeholder: string) => bigint): boolean {
    if (condition === '') return true;
    if (condition === 'attribute_not_exists(pk)') return !this.#items.has(name);
    const match = /^rev = (:\w+)$/.exec(condition);
    if (match?.[1] === undefined) throw new UnknownExpression(condition);
    return this.#items.get(name)?.numbers.get('rev') === numberIn(match[1]);
  }

  #expire(): void {
    const nowMs = this.#clock.nowMs();
    for (const [name, { numbers }] of this.#items) {
      const expiresAt = numbers.get('expiresAt');
      if (expiresAt !== undefined && Number(expiresAt) * 1000 + this.#ttlDelayMs <= nowMs)
        this.#items.delete(name);
    }
  }
}

/** One client of the levels. */
export class LevelsClient implements LevelStore {
  readonly #levels: FakeLevels;
  readonly #network: Network;

  constructor(levels: FakeLevels, network: Network) {
    this.#levels = levels;
    this.#network = network;
  }

  readLevel(name: LevelName): Promise<LevelItem | undefined> {
    const key = levelKey(name);
    return this.#call('readLevel', `${key.pk} ${key.sk}`, () => this.#item(name.level, key, name.startMs));
  }

  async *levelItems(
    { level, metric, entity }: Parameters<LevelStore['levelItems']>[0],
    fromMs: number,
    toMs: number,
  ): AsyncIterable<LevelItem> {
    yield* await this.#call('queryLevel', `${entity} ${metric} ${level}`, () => {
      const prefix = levelKey({ level, metric, entity, startMs: 0 }).sk.split('#').slice(0, 2).join('#');
      return this.#levels
        .items()
        .filter(({ key }) => key.pk === entity && key.sk.startsWith(`${prefix}#`))
        .map(({ key }) => this.#item(level, key, startOfLevelKey(level, key.sk) ?? 0))
        .filter((item) => item !== undefined)
        .filter(({ startMs }) => startMs >= fromMs && startMs < toMs)
        .sort((a, b) => a.startMs - b.startMs);
    });
  }

  async setSums(change: LevelChange): Promise<'set' | 'conflict'> {
    const { pk, sk } = levelKey(change.name);
    const subject = `${pk} ${sk} ${[...change.sums.values()].join('+')} at ${change.revision}`;
    return (await this.#call('setSums', subject, () => this.#levels.set(change))) ? 'set' : 'conflict';
  }

  #item(level: Level, key: CounterKey, startMs: number): LevelItem | undefined {
    const numbers = this.#levels.numbers(key);
    return numbers && levelItemOf(level, startMs, numbers.keys(), (name) => numbers.get(name)?.toString());
  }

  #call<T>(operation: string, subject: string, effect: () => T): Promise<T> {
    return this.#network.call({ service: 'counters', operation, subject, effect });
  }
}
