// What the levels must say at rest: every hour what its counter items hold, every day and month the sum of what is below.
import type { World } from '../world/world.ts';
import { iso } from './ceiling.ts';
import { readLevelKey, readLevelSums } from './level-items.ts';
import type { Oracle } from './oracle.ts';
import { readSortKey } from './shown.ts';
import { counterName } from './truth.ts';
import { Violation } from './violation.ts';

type Sums = Map<string, bigint>;

/**
 * Compares the levels with the counter items, and with each other.
 * @param keptFromMs counter items of hours before this may be deleted by now, with rows that nobody knew to be in them
 */
export function checkLevelsAtRest(world: World, oracle: Oracle, keptFromMs: number): void {
  const uncertain = uncertainHours(world);
  const hours: Sums = new Map();
  for (const { key, numbers } of [...world.counters.items(), ...oracle.deleted]) {
    const { metric, hourMs } = readSortKey(key.sk);
    plus(hours, `${counterName(metric, key.pk)}\n${hourMs}`, BigInt(numbers.get('n') ?? 0));
  }
  const says: Record<string, Sums> = { D: new Map(), M: new Map(), T: new Map() };
  const made: Record<string, Sums> = { M: new Map(), T: new Map() };
  for (const { key, numbers } of world.levels.items()) {
    const { metric, level, startMs } = readLevelKey(key.sk);
    const counter = counterName(metric, key.pk);
    let total = 0n;
    for (const [atMs, sum] of readLevelSums(startMs, numbers)) {
      says[level]?.set(`${counter}\n${atMs}`, sum);
      total += sum;
    }
    const above = { D: 'M', M: 'T' }[level];
    if (above !== undefined) made[above]?.set(`${counter}\n${startMs}`, total);
  }
  for (const [name, sum] of hours) {
    const isKept = Number(name.split('\n')[2]) >= keptFromMs;
    if (isKept && !uncertain.has(name)) expect('hour', name, sum, says['D']);
  }
  for (const [name, sum] of made['M'] ?? []) expect('day', name, sum, says['M']);
  for (const [name, sum] of made['T'] ?? []) expect('month', name, sum, says['T']);
}

function expect(what: string, name: string, sum: bigint, says: Sums | undefined): void {
  const said = says?.get(name);
  if (said === sum) return;
  const [metric, entity, atMs] = name.split('\n');
  throw new Violation(
    'levels are right',
    `the ${what} of ${iso(Number(atMs))} of ${metric} of ${entity} is ${sum}, and the level says ${said}`,
  );
}

/** Hours of segments that are not settled, by counter: their rows may have been applied behind everybody's back. */
export function uncertainHours(world: World): ReadonlySet<string> {
  const uncertain = new Set<string>();
  for (const shard of world.ledger.keys()) {
    const { entries, touched } = world.ledger.of(shard);
    for (const { segment, parts, acked } of entries.values()) {
      if (parts.every((_, part) => acked.has(part))) continue;
      for (const [name, chunk] of touched) {
        if (!name.startsWith(`${segment}/`)) continue;
        for (const [hour, metric, entities] of JSON.parse(chunk) as [number, string, string[]][])
          for (const entity of entities) uncertain.add(`${counterName(metric, entity)}\n${hour * 3_600_000}`);
      }
    }
  }
  return uncertain;
}

function plus(sums: Sums, name: string, sum: bigint): void {
  sums.set(name, (sums.get(name) ?? 0n) + sum);
}

/** What all counter items of each counter hold together, by `counterName`. */
export function heldByCounter(world: World): ReadonlyMap<string, Held> {
  const held = new Map<string, Held>();
  for (const { key, numbers } of world.counters.items()) {
    const { metric, hourMs } = readSortKey(key.sk);
    const name = counterName(metric, key.pk);
    const { sum, firstMs, lastMs } = held.get(name) ?? { sum: 0n, firstMs: hourMs, lastMs: hourMs };
    held.set(name, {
      sum: sum + BigInt(numbers.get('n') ?? 0),
      firstMs: Math.min(firstMs, hourMs),
      lastMs: Math.max(lastMs, hourMs),
    });
  }
  return held;
}

/** What a counter's items hold. */
export interface Held {
  readonly sum: bigint;
  /** The starts of the first hour and of the last, epoch milliseconds. */
  readonly firstMs: number;
  readonly lastMs: number;
}
