// Counted minutes as the query finds them in tables: counter items and levels, as far as claims and retentions have it.
import { counterExpiresAt } from '../../lambdas/counting/counter-item.ts';
import {
  type Claims,
  itemStartMs,
  type Level,
  levelExpiresAt,
  type RetentionsMs,
  sumStartMs,
} from '../../lambdas/counting/levels.ts';
import { bucketName, hourStartMs, MINUTE_MS } from '../../lambdas/counting/time.ts';
import type { QueryPorts } from '../../lambdas/query/read-counts.ts';

/** Minutes of one counter, epoch milliseconds, with how much was counted in each. */
export type Minutes = readonly (readonly [atMs: number, n: bigint])[];

/** What tables hold. */
export interface Counted {
  readonly minutes: Minutes;
  readonly claims: Claims;
  readonly retentionsMs: RetentionsMs;
  readonly nowMs: number;
}

/**
 * The query's ports over counted minutes. Items past their expiry are gone. What a level has not closed is in it as a wrong
 * number, which nobody may read.
 */
export function portsOf({ minutes, claims, retentionsMs, nowMs }: Counted): QueryPorts {
  const isKept = (expiresAt: number | undefined) => expiresAt === undefined || expiresAt * 1000 > nowMs;
  const levelItems = (level: Level) => {
    const closedMs = claims[level === 'days' ? 'days' : 'months'].closedBeforeMs;
    const items = new Map<number, Map<number, bigint>>();
    for (const [atMs, n] of minutes) {
      const [startMs, sumMs] = [itemStartMs(level, atMs), sumStartMs(level, atMs)];
      const sums = items.get(startMs) ?? new Map<number, bigint>();
      const isClosed = isWhole(level, sumMs, closedMs);
      sums.set(sumMs, isClosed ? (sums.get(sumMs) ?? 0n) + n : 1_000_000n);
      items.set(startMs, sums);
    }
    return [...items]
      .sort(([a], [b]) => a - b)
      .map(([startMs, sums]) => {
        const expiresAt = levelExpiresAt({ level, startMs }, retentionsMs);
        return { startMs, sums, revision: 1, expiresAt };
      })
      .filter(({ expiresAt }) => isKept(expiresAt));
  };
  return {
    clock: { nowMs: () => nowMs },
    claims: { readClaims: async () => claims },
    counters: {
      async *items(_metric, _entity, fromMs, toMs) {
        for (const [atMs, n] of minutes) {
          const bucketStartMs = hourStartMs(atMs);
          const expiresAt = counterExpiresAt(bucketName(bucketStartMs, 60), retentionsMs.counters);
          if (bucketStartMs < hourStartMs(fromMs) || bucketStartMs >= toMs || !isKept(expiresAt)) continue;
          yield { bucketStartMs, minutes: new Map([[(atMs - bucketStartMs) / MINUTE_MS, n]]), expiresAt };
        }
      },
    },
    levels: {
      readLevel: async ({ level, startMs }) => levelItems(level).find((item) => item.startMs === startMs),
      async *levelItems({ level }, fromMs, toMs) {
        yield* levelItems(level).filter(({ startMs }) => startMs >= fromMs && startMs < toMs);
      },
    },
  };
}

/** Whether the hour, day or month of a sum ends within what is closed. */
function isWhole(level: Level, sumMs: number, closedMs: number): boolean {
  const nextMs = { days: sumMs + 3_600_000, months: sumMs + 86_400_000, total: sumMs + 32 * 86_400_000 }[
    level
  ];
  return level === 'total' ? sumStartMs('total', nextMs) <= closedMs : nextMs <= closedMs;
}
