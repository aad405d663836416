// Runs a stage under a hot entity in virtual time: the aggregator's, the writer's and the redriver's own code, and the oracle.
import { readStatus } from '../../lambdas/accountant/read-status.ts';
import { History } from '../history.ts';
import { checkAtRest } from '../oracle/final.ts';
import { NOTHING_OMITTED } from '../plan/history-plan.ts';
import { directNetwork } from '../world/network.ts';
import type { World } from '../world/world.ts';
import { HotPartition } from './partition.ts';
import { QueuePollers } from './pollers.ts';
import { HOT, type HotEntityCase, otherUpdateMs, settingsOf } from './stage.ts';
import { HotTraffic } from './traffic.ts';

/** What came of it. */
export interface HotEntityOutcome {
  readonly segments: number;
  readonly messages: number;
  /** Batches of the writer, and the most that were at work at once. */
  readonly batches: number;
  readonly writers: number;
  /** Updates of the hot entity that its partition took, and the rows in them. */
  readonly updates: number;
  readonly rows: number;
  /** Write units a second that they took, in the busiest second and half minute. */
  readonly busiestSecond: number;
  readonly busiestHalfMinute: number;
  readonly largestBytes: number;
  /** Updates that the partition refused, each try. */
  readonly throttled: number;
  /** Messages that came back to the queue, and that became dead letters; each as often as it happened. */
  readonly broughtBack: number;
  readonly deadLetters: number;
  readonly parked: number;
  /** From the arrival of a segment's oldest record until the hot entity's row can be read, milliseconds, ascending. */
  readonly freshnessMs: readonly number[];
  /** From the last event until everything was counted, and until the last update was refused. */
  readonly settledMs: number;
  readonly lastThrottledMs: number | undefined;
  readonly steps: number;
}

/** Steps after which something must have gone wrong. */
const STEPS_MAX = 20_000_000;
/** As often as the writer has its client of DynamoDB try (writer/handler.ts). */
const TRIES = 3;

/**
 * Runs a case until everything is counted.
 * @throws Violation when anything is not counted exactly once, or any account does not balance
 */
export async function runHotEntity(one: HotEntityCase): Promise<HotEntityOutcome> {
  const { stage, phases, seed } = one;
  const settings = settingsOf(one);
  const history = new History({ seed, settings, puts: [], faults: [], omitted: NOTHING_OMITTED });
  const { world, scheduler, around, oracle } = history;
  const partition = new HotPartition(HOT, scheduler, world, stage.segmentIdBytes);
  world.counters.partitions = partition;
  const otherMs = otherUpdateMs(stage);
  around.tries = { counters: TRIES, ledger: TRIES };
  around.paceMs = ({ operation, subject }) => {
    if (operation === 'putPlan') return stage.segmentSeconds * 1000;
    return operation === 'apply' && !subject.startsWith(`${HOT} `) ? otherMs : 0;
  };
  const pollers = new QueuePollers(history, stage);
  const traffic = new HotTraffic(history, stage, phases);
  traffic.start();
  const atRest = () =>
    traffic.handedOver && around.pending === 0 && world.queue.size === 0 && world.deadLetters.size === 0;
  while (!atRest()) {
    if (!scheduler.step() || scheduler.steps > STEPS_MAX) throw new Error('it never comes to rest');
    const settled = scheduler.settled();
    if (settled !== undefined) await settled;
    if (oracle.violation !== undefined) throw oracle.violation;
  }
  const status = await readStatus(world.clients(directNetwork, scheduler).ledger);
  checkAtRest(world, oracle, settings.dedupWindowLeastMs, status);
  const { updates, throttled, lastThrottledMs, largestBytes, freshnessMs } = partition;
  return {
    segments: traffic.segments,
    messages: messagesOf(world),
    batches: pollers.batches,
    writers: pollers.mostWriters,
    updates: updates.length,
    rows: freshnessMs.length,
    busiestSecond: partition.busiest(1),
    busiestHalfMinute: partition.busiest(30),
    largestBytes,
    throttled,
    broughtBack: pollers.broughtBack,
    deadLetters: pollers.dead,
    parked: world.archive.parkedNames().length,
    freshnessMs: freshnessMs.toSorted((a, b) => a - b),
    settledMs: scheduler.nowMs() - traffic.lastMs,
    lastThrottledMs: throttled === 0 ? undefined : lastThrottledMs - traffic.lastMs,
    steps: scheduler.steps,
  };
}

function messagesOf({ ledger }: World): number {
  let messages = 0;
  for (const shard of ledger.keys())
    for (const { parts } of ledger.of(shard).entries.values()) messages += parts.length;
  return messages;
}
