// TTL in a small world: deltas expire when the world allows it, at the earliest when every level has them.
import type { Item } from '../../fake-aws/dynamodb/values.ts';
import { parseSegmentId } from '../../lambdas/core/identifiers.ts';
import { LEVELS } from '../../lambdas/core/level.ts';
import { TABLES } from '../simulation/world/names.ts';
import type { Transition } from './fates.ts';
import type { Stage } from './stage.ts';

/** Deletes what has expired. */
export class Expiry {
  readonly #stage: Stage;
  /** Whether deltas expired that a level did not have: then counts are too low, and compaction must report it. */
  isLossy = false;

  constructor(stage: Stage) {
    this.#stage = stage;
  }

  transitions(): Transition[] {
    const { left, spec, clock, world, actors } = this.#stage;
    // Deltas are kept for a month: no operator's command takes as long, but a compactor may hang.
    const isOperated = actors.some(({ role, ended }) => role === 'operator' && !ended);
    if (left.expiries === 0 || isOperated) return [];
    const expired = [...world.aws.dynamoDb.table(TABLES.counts).items()].filter(
      ({ pk, expiresAt }) => pk?.S?.startsWith('DELTA#') && Number(expiresAt?.N) * 1_000 <= clock.ms,
    );
    const isEarly = expired.some((item) => !this.#isEverywhere(item));
    if (expired.length === 0 || (isEarly && !spec.stalls)) return [];
    return [{ label: 'TTL deletes what has expired', run: () => this.#delete(expired, isEarly) }];
  }

  #delete(expired: readonly Item[], isEarly: boolean): void {
    this.#stage.left.expiries -= 1;
    this.isLossy ||= isEarly;
    const table = this.#stage.world.aws.dynamoDb.table(TABLES.counts);
    for (const item of expired) table.put(table.keyIn(item), undefined);
  }

  /** Whether every level has a delta. */
  #isEverywhere({ sk }: Item): boolean {
    const { shard, segment } = parseSegmentId(sk?.S?.split('#')[1] ?? '');
    return LEVELS.every((level) => {
      const covers = this.#stage.world.ledger.compaction?.[level]?.M?.['covers']?.M;
      const isOpen = covers?.['open']?.L?.some(
        ({ M }) => M?.['shard']?.S === shard && Number(M['segment']?.N) === segment,
      );
      return !isOpen && segment <= Number(covers?.['through']?.M?.[shard]?.N ?? 0);
    });
  }
}
