// That the tables in memory charge what the emulator charges: every system on the same events, some sent twice, in both.
import { type Meter, TABLES } from './meter.ts';
import { settingsFor } from './stream.ts';
import { PACKED, runOther, runOurs, SYSTEMS, type System, tallyRun } from './systems.ts';
import type { Load } from './workloads.ts';
import { meteredWorld, startEmulatedWorlds, type World } from './worlds.ts';

/** One system, in memory and on the emulator. */
export interface Compared {
  readonly system: System;
  readonly calls: number;
  /** Write units of writes that succeeded, and read units; of those that failed the emulator does not say it. */
  readonly inMemory: readonly [writeUnits: number, readUnits: number];
  readonly onEmulator: readonly [writeUnits: number, readUnits: number];
  readonly failed: number;
  readonly sqsRequests: number;
}

/** Memory and emulator disagree. */
export class Disagreement extends Error {
  override readonly name = 'Disagreement';
}

/** What each system writes by transactions, which the emulator does not know: there it is written by itself, for half the price. */
const DOUBLED: Readonly<Partial<Record<System, readonly string[]>>> = {
  transaction: [TABLES.markers, TABLES.counters],
  markers: [TABLES.counters],
};

async function run(world: World, system: System, load: Load): Promise<void> {
  if (system === 'tally' || system === 'packed') {
    await runOurs(world, tallyRun(load, 1, system === 'tally' ? 1 : PACKED));
  } else await runOther(world, system, load, settingsFor(1, { streamShards: 1 }));
}

/** Write units by table, of writes that succeeded, as if nothing were a transaction. */
function unitsOf(meter: Meter, doubled: readonly string[]): number {
  let sum = 0;
  for (const [name, { writeUnits }] of meter.lines)
    sum += doubled.includes(name) ? writeUnits / 2 : writeUnits;
  return sum;
}

/** Runs every system in both worlds. @throws Disagreement */
export async function proven(load: Load): Promise<readonly Compared[]> {
  const emulators = await startEmulatedWorlds();
  try {
    const all: Compared[] = [];
    for (const system of SYSTEMS) {
      const memory = meteredWorld();
      await run(memory, system, load);
      const emulated = await emulators.fresh();
      await run(emulated, system, load);
      const [ours, theirs] = [memory.meter, emulated.meter];
      // With a failed condition the emulator does not give the item as it is, so Powertools reads it.
      const readAgain = system === 'idempotent' ? ours.total().failed : 0;
      const compared: Compared = {
        system,
        calls: ours.sdkCalls,
        inMemory: [unitsOf(ours, DOUBLED[system] ?? []), ours.total().readUnits],
        onEmulator: [theirs.total().writeUnits, theirs.total().readUnits - readAgain],
        failed: ours.total().failed,
        sqsRequests: ours.sqsRequests,
      };
      const same =
        compared.inMemory.join() === compared.onEmulator.join() &&
        ours.sqsRequests === theirs.sqsRequests &&
        ours.sqsBytes === theirs.sqsBytes;
      if (!same)
        throw new Disagreement(
          `${JSON.stringify(compared)}: ${described(ours)} against ${described(theirs)}`,
        );
      all.push(compared);
      await emulated.stop();
    }
    return all;
  } finally {
    await emulators.stop();
  }
}

function described(meter: Meter): string {
  return [...meter.lines].map(([name, line]) => `${name} ${JSON.stringify(line)}`).join('; ');
}
