// An operator's actions on a dead letter, waiting or parked. Each is repeatable after a crash.
import { type CarriedParts, deadLetterName, partsIn } from '../core/dead-letter-name.ts';
import type { DeltaName } from '../core/delta.ts';
import { parseSegmentId, type SegmentId } from '../core/identifiers.ts';
import { unknownHistory } from '../core/message-history.ts';
import { decodeRollupMessage } from '../core/rollup-message.ts';
import { isForgotten, partPlace } from '../core/segment-entry.ts';
import type {
  DeadLetters,
  DeliveredMessage,
  Discarding,
  ParkedMessage,
  ParkedMessages,
} from '../dead-letter-ports.ts';
import type { CheckpointLedger, Clock, PartLedger } from '../ports.ts';
import type { DeltaDiscarder } from '../store/ports.ts';

export interface OperatorPorts {
  readonly ledger: Pick<PartLedger, 'notePlace' | 'acknowledge'> & Pick<CheckpointLedger, 'readEntries'>;
  readonly deadLetters: Pick<DeadLetters, 'giveBack' | 'park' | 'remove'>;
  readonly parked: Pick<ParkedMessages, 'keepDiscarded' | 'remove'>;
  readonly deltas: DeltaDiscarder;
  readonly clock: Clock;
}

/** The result for a dead letter. `counted`: its parts were counted already, and it was removed. */
export type Outcome = 'returned' | 'parked' | 'discarded' | 'counted' | 'poison';

/** Sends a waiting dead letter back to the rollup queue at once; it keeps its rounds. Poison stays where it is. */
export async function returnNow(message: DeliveredMessage, ports: OperatorPorts): Promise<Outcome> {
  const carried = partsIn(message.body);
  if (carried === undefined) return 'poison';
  await ports.ledger.notePlace(carried.segment, carried.parts, 'returned');
  await ports.deadLetters.giveBack(message, historyOf(message, ports), 0);
  await ports.deadLetters.remove(message);
  return 'returned';
}

/** Moves a waiting dead letter into the archive. */
export async function parkNow(message: DeliveredMessage, ports: OperatorPorts): Promise<Outcome> {
  const carried = partsIn(message.body);
  await ports.deadLetters.park(message, historyOf(message, ports));
  if (carried !== undefined) await ports.ledger.notePlace(carried.segment, carried.parts, 'parked');
  await ports.deadLetters.remove(message);
  return 'parked';
}

/**
 * Sends a parked dead letter to the rollup queue again, with all its rounds. The object stays, and the ledger says parked, until
 * the part is counted: a queue's retention can still drop the message.
 */
export async function replayParked(message: ParkedMessage, ports: OperatorPorts): Promise<Outcome> {
  const carried = partsIn(message.body);
  if (carried === undefined) return 'poison';
  if (await isCounted(carried, ports)) {
    await ports.parked.remove(message.name);
    return 'counted';
  }
  const { name: messageId, body, history } = message;
  await ports.deadLetters.giveBack({ messageId, body }, { ...history, rounds: 0 }, 0);
  return 'returned';
}

/** Gives up a waiting dead letter: keeps it under `discarded/`, notes it in the ledger as lost, then deletes it. */
export async function discardWaiting(
  message: DeliveredMessage,
  discarding: Discarding,
  ports: OperatorPorts,
): Promise<Outcome> {
  const { body } = message;
  const named = { name: deadLetterName(message), body, history: historyOf(message, ports) };
  const outcome = await giveUp(named, discarding, ports);
  await ports.deadLetters.remove(message);
  return outcome;
}

/** The same for a parked dead letter. */
export async function discardParked(
  message: ParkedMessage,
  discarding: Discarding,
  ports: OperatorPorts,
): Promise<Outcome> {
  const outcome = await giveUp(message, discarding, ports);
  await ports.parked.remove(message.name);
  return outcome;
}

/**
 * A part that the ledger still waits for, although it is so old that a queue may have dropped its message.
 * @param name `SEGMENT/PART`
 */
export async function droppedPart(
  name: string,
  { ledger, clock }: Pick<OperatorPorts, 'ledger' | 'clock'>,
): Promise<DeltaName | undefined> {
  const [id = '', number = ''] = name.split('/');
  if (id === 'poison') return undefined;
  const [segment, part] = [id as SegmentId, Number(number)];
  const { shard, segment: at } = parseSegmentId(segment);
  const [entry] = await ledger.readEntries(shard, [at]);
  const cut = entry?.parts[part];
  if (entry === undefined || cut === undefined) return undefined;
  if (!isForgotten(entry, part, clock.nowMs())) return undefined;
  return { segment, part, range: cut.range, runMaxMs: entry.runMaxMs };
}

/**
 * Gives up a part that no message carries any more: if its records are gone too, nothing else settles its segment. A message
 * that still arrives finds the tombstone. Repeatable.
 * @returns undefined if it is no `droppedPart`
 */
export async function discardDropped(
  name: string,
  discarding: Discarding,
  ports: OperatorPorts,
): Promise<Outcome | undefined> {
  const dropped = await droppedPart(name, ports);
  if (dropped === undefined) return undefined;
  const { ledger, deltas, parked, clock } = ports;
  const history = { ...unknownHistory(clock.nowMs()), reason: 'dropped by a queue' };
  await parked.keepDiscarded({ name, body: '', history }, discarding);
  const outcome = await deltas.putTombstone(dropped);
  if (outcome === 'discarded') await ledger.notePlace(dropped.segment, [dropped.part], 'discarded');
  else await ledger.acknowledge(dropped.segment, [dropped.part]);
  return outcome === 'discarded' ? 'discarded' : 'counted';
}

async function giveUp(
  message: ParkedMessage,
  discarding: Discarding,
  ports: OperatorPorts,
): Promise<Outcome> {
  const carried = partsIn(message.body);
  if (carried !== undefined && (await isCounted(carried, ports))) return 'counted';
  await ports.parked.keepDiscarded(message, discarding);
  if (carried === undefined) return 'discarded';
  return (await discardParts(message.body, carried, ports)) ? 'discarded' : 'counted';
}

/**
 * Puts a tombstone at the key of each delta, so that no copy of the message can count it. A delta that is stored already
 * counts, and lacks only its acknowledgement.
 * @returns whether any part was given up
 */
async function discardParts(
  body: string,
  { segment }: CarriedParts,
  { deltas, ledger }: OperatorPorts,
): Promise<boolean> {
  const given: number[] = [];
  const stored: number[] = [];
  for (const delta of decodeRollupMessage(body).deltas) {
    const outcome = await deltas.putTombstone(delta);
    (outcome === 'discarded' ? given : stored).push(delta.part);
  }
  if (stored.length > 0) await ledger.acknowledge(segment, stored);
  if (given.length > 0) await ledger.notePlace(segment, given, 'discarded');
  return given.length > 0;
}

async function isCounted({ segment: id, parts }: CarriedParts, { ledger }: OperatorPorts): Promise<boolean> {
  const { shard, segment } = parseSegmentId(id);
  const [entry] = await ledger.readEntries(shard, [segment]);
  return entry !== undefined && parts.every((part) => partPlace(entry, part) === 'counted');
}

function historyOf(message: DeliveredMessage, { clock }: OperatorPorts) {
  return message.history ?? unknownHistory(clock.nowMs());
}
