// What people do to a running system: reshard, deploy, change the retry parameter, redrive, replay by hand, and worse.
import type { History } from '../history.ts';
import type { Fault } from '../plan/faults.ts';

/** Carries out what a fault is, when its time has come. */
export function carryOut(fault: Fault, history: History): void {
  const { scheduler, around, faults, functions, schedules, streamMapping, world } = history;
  around.trace.note(scheduler.nowMs(), `fault ${fault.kind}`);
  faults.arm(fault);
  switch (fault.kind) {
    case 'split':
    case 'merge':
      if (!reshard(fault, history)) return;
      streamMapping.wakeAll();
      break;
    case 'deploy':
      functions.deploy(fault.rollup);
      break;
    case 'cold-start':
      functions.goCold();
      break;
    case 'retries':
      world.parameter.text = fault.text;
      break;
    case 'poison':
      world.queue.send(fault.body);
      break;
    case 'copies':
      world.queue.copiesDue = fault.copies;
      world.deadLetters.copiesDue = fault.copies;
      break;
    case 'redrive-now':
      schedules.redriveNow();
      break;
    case 'replay-parked':
      if (replayParked(history) === 0) return;
      break;
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
}

function reshard(
  fault: Extract<Fault, { kind: 'split' | 'merge' }>,
  { world: { stream } }: History,
): boolean {
  const open = stream.open();
  const shard = open[Math.floor(fault.pick * open.length)];
  if (shard === undefined || stream.all().length > 9) return false;
  if (fault.kind === 'split') {
    stream.split(shard);
    return true;
  }
  const neighbour = open.find(({ hashFrom }) => hashFrom === shard.hashTo);
  return neighbour !== undefined && stream.merge(shard, neighbour);
}

/** Sends every parked message that can be understood to the queue again. @returns how many */
export function replayParked({ world }: History): number {
  let replayed = 0;
  for (const [key, object] of world.archive.objects) {
    if (!key.startsWith('parked/') || key.startsWith('parked/poison/')) continue;
    world.queue.send((JSON.parse(object) as { body: string }).body);
    replayed += 1;
  }
  return replayed;
}
