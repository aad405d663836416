// A fake counter table: it carries out the writer's real update expressions, and deletes by TTL, on time or late.
import {
  bucketOfSortKey,
  type CounterItem,
  type CounterKey,
  type CounterUpdate,
  counterUpdateParams,
  type UpdateItemParams,
} from '../../lambdas/counting/counter-item.ts';
import { parseBucketName } from '../../lambdas/counting/time.ts';
import type { Clock, CounterReader, CounterStore, TableHealth } from '../../lambdas/ports.ts';
import type { Network } from './network.ts';
import { UNWATCHED, type WorldObserver } from './observer.ts';

/** A counter item as it is stored: its key, its numbers by attribute, the segments applied. */
export interface StoredCounter {
  readonly key: CounterKey;
  readonly numbers: Map<string, number>;
  readonly applied: Set<string>;
}

/** An expression that this fake does not know: it must be taught, not guess. */
export class UnknownExpression extends Error {
  override readonly name = 'UnknownExpression';
}

/** The counter table's state. */
export class FakeCounters {
  readonly #items = new Map<string, StoredCounter>();
  /** Whether any item may ever expire: there is no looking for expired ones otherwise. */
  #expires = false;
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
  items(): StoredCounter[] {
    this.expire();
    return [...this.#items.values()];
  }

  /** Carries an update out on condition. @returns the segments applied before, when the condition failed */
  update(update: CounterUpdate): 'applied' | ReadonlySet<string> {
    this.expire();
    const name = JSON.stringify([update.key.pk, update.key.sk]);
    const item = this.#items.get(name) ?? { key: update.key, numbers: new Map(), applied: new Set<string>() };
    return this.#try(update, item, name);
  }

  #try(update: CounterUpdate, item: StoredCounter, name: string): 'applied' | ReadonlySet<string> {
    const params = counterUpdateParams(update);
    if (!conditionHolds(params, item)) return new Set(item.applied);
    carryOut(params, item);
    this.#expires ||= update.expiresAt !== undefined;
    this.#items.set(name, item);
    this.#observer.counterWritten(update, item);
    return 'applied';
  }

  /** Deletes what is past its expiry by more than the table's delay. */
  expire(): void {
    if (!this.#expires) return;
    const nowMs = this.#clock.nowMs();
    for (const [name, item] of this.#items) {
      const expiresAt = item.numbers.get('expiresAt');
      if (expiresAt === undefined || expiresAt * 1000 + this.#ttlDelayMs > nowMs) continue;
      this.#items.delete(name);
      this.#observer.counterDeleted(item);
    }
  }
}

function conditionHolds(
  { ConditionExpression, ExpressionAttributeValues }: UpdateItemParams,
  item: StoredCounter,
) {
  if (ConditionExpression === '') return true;
  return ConditionExpression.split(' AND ').every((term) => {
    const match = /^NOT contains\(applied, (:\w+)\)$/.exec(term);
    const value = match?.[1] === undefined ? undefined : ExpressionAttributeValues[match[1]];
    if (value === undefined || !('S' in value)) throw new UnknownExpression(term);
    return !item.applied.has(value.S);
  });
}

function carryOut(
  { UpdateExpression, ExpressionAttributeValues }: UpdateItemParams,
  item: StoredCounter,
): void {
  const match = /^ADD (.*?)(?: SET (\w+) = (:\w+))?$/.exec(UpdateExpression);
  if (match === null) throw new UnknownExpression(UpdateExpression);
  const [, adds = '', setName, setValue = ''] = match;
  for (const add of adds.split(', ')) {
    const [name = '', placeholder = ''] = add.split(' ');
    const value = ExpressionAttributeValues[placeholder];
    if (value === undefined) throw new UnknownExpression(add);
    if ('N' in value) item.numbers.set(name, (item.numbers.get(name) ?? 0) + Number(value.N));
    else if ('SS' in value && name === 'applied') for (const segment of value.SS) item.applied.add(segment);
    else throw new UnknownExpression(add);
  }
  if (setName === undefined) return;
  const value = ExpressionAttributeValues[setValue];
  if (value === undefined || !('N' in value)) throw new UnknownExpression(UpdateExpression);
  item.numbers.set(setName, Number(value.N));
}

/** One client of the counter table. */
export class CountersClient implements CounterStore, CounterReader, TableHealth {
  readonly #counters: FakeCounters;
  readonly #network: Network;

  constructor(counters: FakeCounters, network: Network) {
    this.#counters = counters;
    this.#network = network;
  }

  async apply(update: CounterUpdate): Promise<'applied' | ReadonlySet<string>> {
    const result = await this.#network.call({
      service: 'counters',
      operation: 'apply',
      subject: `${update.key.pk} ${update.key.sk} ${update.segments.join('+')}`,
      effect: () => this.#counters.update(update),
    });
    // As the adapter does: with one segment the failed condition says it all.
    if (result !== 'applied' && update.segments.length === 1) return new Set<string>(update.segments);
    return result;
  }

  async *items(metric: string, entity: string, fromMs: number, toMs: number): AsyncIterable<CounterItem> {
    const stored = await this.#network.call({
      service: 'counters',
      operation: 'query',
      subject: `${entity} ${metric}`,
      effect: () =>
        this.#counters.items().filter(({ key }) => key.pk === entity && key.sk.startsWith(`${metric}#H#`)),
    });
    for (const { key, numbers } of stored) {
      const bucketStartMs = parseBucketName(bucketOfSortKey(key.sk));
      if (bucketStartMs === undefined || bucketStartMs >= toMs || bucketStartMs + 3_600_000 <= fromMs)
        continue;
      const minutes = new Map<number, bigint>();
      for (const [name, value] of numbers)
        if (/^m\d\d$/.test(name)) minutes.set(Number(name.slice(1)), BigInt(value));
      yield { bucketStartMs, minutes, expiresAt: numbers.get('expiresAt') };
    }
  }

  async isHealthy(): Promise<boolean> {
    try {
      await this.#network.call({ service: 'counters', operation: 'probe', subject: '', effect: () => true });
      return true;
    } catch {
      return false;
    }
  }
}
