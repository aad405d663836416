// What operators do to a running system: reshard, deploy, change the retry parameter, redrive, replay, and worse.
import { discardParked, replayParked } from '../../../lambdas/redriver/operate.ts';
import type { History } from '../history.ts';
import type { Fault } from '../plan/faults.ts';

const DISCARDING = { by: 'operator', at: '2026-11-22T05:00:00.000Z', why: 'not wanted' };

/** Carries out a fault at its time. */
export function carryOut(fault: Fault, history: History): void {
  const { trace, faults, functions, schedules, streamMapping, world } = history;
  trace.note(`fault ${fault.kind}`);
  faults.arm(fault);
  switch (fault.kind) {
    case 'split':
    case 'merge':
      if (!reshard(fault, history)) return;
      streamMapping.wakeAll();
      break;
    case 'deploy':
      if (fault.rollup.acceptPastMs !== functions.deployment.rollup.acceptPastMs) faults.count('accept-past');
      functions.deploy({ rollup: fault.rollup });
      break;
    case 'retention':
      functions.deploy({ retentions: fault.retentions });
      break;
    case 'generation':
      functions.deploy({ generation: String(Number(functions.deployment.generation) + 1) });
      break;
    case 'delete-entity': {
      const names = [...new Set(history.oracle.counters.map((name) => name.split('\n')[1] ?? ''))];
      const entity = picked(names, fault.pick);
      if (entity === undefined || history.oracle.deletions.has(entity)) return;
      functions.deleteEntity(entity);
      break;
    }
    case 'recount':
      functions.recount();
      break;
    case 'cold-start':
      functions.goCold();
      break;
    case 'retries':
      world.retries = fault.text;
      break;
    case 'poison':
      world.queue.send(fault.body);
      break;
    case 'copies':
      world.copiesDue.rollup = fault.copies;
      world.copiesDue.dead = fault.copies;
      break;
    case 'redrive-now':
      functions.redrive();
      break;
    case 'replay-parked':
      if (parkedNames(history).length === 0) return;
      for (const name of parkedNames(history)) functions.operate(name, replayParked);
      break;
    case 'discard-parked': {
      const name = picked(parkedNames(history), fault.pick);
      if (name === undefined) return;
      functions.operate(name, (message, ports) => discardParked(message, DISCARDING, ports));
      break;
    }
    case 'lost-checkpoint':
      streamMapping.loseCheckpoint(fault.records);
      break;
    case 'twin-poller':
      streamMapping.startTwins(fault.records, fault.batches);
      break;
    default:
      return;
  }
  faults.count(fault.kind);
  // Its events are counted, and must reach the levels.
  schedules.compactSoon();
}

function reshard(
  fault: Extract<Fault, { kind: 'split' | 'merge' }>,
  { world: { stream } }: History,
): boolean {
  const open = stream.open();
  const shard = picked(open, fault.pick);
  if (shard === undefined || stream.all().length > 9) return false;
  if (fault.kind === 'split') {
    stream.split(shard);
    return true;
  }
  const neighbour = open.find(({ hashFrom }) => hashFrom === shard.hashTo + 1n);
  if (neighbour === undefined) return false;
  stream.merge(shard, neighbour);
  return true;
}

/** Picks an item. @param pick in [0, 1) @returns undefined if the list is empty */
export function picked<T>(items: readonly T[], pick: number): T | undefined {
  return items[Math.floor(pick * items.length)];
}

/** The names of parked dead letters that are not poison. */
function parkedNames({ world }: History): string[] {
  return world.parkedNames().filter((name) => !name.startsWith('poison/'));
}

/** Replays every parked message that is not poison. @returns how many */
export function sendParkedAgain(history: History): number {
  const names = parkedNames(history);
  for (const name of names) {
    const object = history.world.archive.text(`parked/${name}.json`) ?? '';
    history.world.queue.send((JSON.parse(object) as { body: string }).body);
  }
  return names.length;
}
