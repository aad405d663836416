// At the end of a history that archives raw records: all of it is rebuilt in a world of its own, and must come to the same.
import { type RawPlace, rawKey, rawPlaceIn, readRawObject } from '../../lambdas/counting/raw-segment.ts';
import type { Clock } from '../../lambdas/ports.ts';
import type { RawHistory } from '../../lambdas/raw-ports.ts';
import { rebuild } from '../../lambdas/rebuild/rebuild.ts';
import { Random } from '../random.ts';
import { directNetwork } from '../world/network.ts';
import { ORDINARY_WORLD, World } from '../world/world.ts';
import { Violation } from './violation.ts';

const SETTINGS = { generation: '2', source: undefined, hours: undefined, shards: 1, concurrency: 1 };

/**
 * Rebuilds what a world has archived, and compares.
 * @param kept whether counter items never expire
 * @throws Violation when a segment comes out differently, or not at all
 */
export async function checkRebuilt(world: World, clock: Clock, kept: boolean): Promise<void> {
  const { ledger: first } = world.clients(directNetwork, clock);
  const second = new World({ ...ORDINARY_WORLD, clock, random: new Random('rebuilt') });
  const clients = second.clients(directNetwork, clock);
  const ports = { ...clients, first, clock };
  const around = { history: historyOf(world), random: () => 0, pause: async () => {} };
  const { comparison } = await rebuild({ ...ports, ...around }, SETTINGS);
  const { differing, missing, notArchived, unknown, recovered } = comparison;
  // Ids of a segment that was lost, and is there now, are in the dedup windows of those that follow.
  if (missing + notArchived + unknown > 0 || (differing.length > 0 && recovered === 0))
    throw new Violation('raw records are archived', `rebuilt otherwise: ${JSON.stringify(comparison)}`);
  if (recovered > 0 || !kept || !isAllCounted(world)) return;
  const [before, after] = [sumsIn(world), sumsIn(second)];
  for (const name of new Set([...before.keys(), ...after.keys()])) {
    if (before.get(name) !== after.get(name))
      throw new Violation(
        'raw records are archived',
        `${name} is ${before.get(name)}, and rebuilt it is ${after.get(name)}`,
      );
  }
}

function historyOf({ archive }: World): RawHistory {
  return {
    async *places() {
      for (const key of archive.keys()) {
        const place = rawPlaceIn(key);
        if (place !== undefined) yield place;
      }
    },
    readRaw: async (place: RawPlace) => {
      const text = archive.get(rawKey(place));
      return text === undefined ? undefined : readRawObject(text);
    },
  };
}

/** Whether every part of every segment is in the counter items: none was given up by an operator. */
function isAllCounted({ ledger }: World): boolean {
  return ledger
    .keys()
    .flatMap((shard) => [...ledger.of(shard).entries.values()])
    .every(({ parts, acked }) => parts.every((_, part) => acked.has(part)));
}

/** Every number of every counter item, by its place. */
function sumsIn({ counters }: World): Map<string, number> {
  const sums = new Map<string, number>();
  for (const { key, numbers } of counters.items()) {
    for (const [attribute, n] of numbers) {
      const name = `${key.pk} ${key.sk} ${attribute}`;
      if (n !== 0 && attribute !== 'expiresAt') sums.set(name, n);
    }
  }
  return sums;
}
