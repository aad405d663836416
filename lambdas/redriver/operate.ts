// An operator's actions on a dead letter, waiting or parked. Each is repeatable after a crash.
import { parseSegmentId } from '../core/identifiers.ts';
import { type CarriedParts, letterName, partsIn } from '../core/letter-name.ts';
import { unknownHistory } from '../core/message-history.ts';
import { decodeRollupMessage } from '../core/rollup-message.ts';
import { partPlace } from '../core/segment-entry.ts';
import type {
  DeadLetters,
  DeliveredMessage,
  Discarding,
  ParkedLetter,
  ParkedLetters,
} from '../dead-letter-ports.ts';
import type { BooksLedger, Clock, PartLedger } from '../ports.ts';
import type { DeltaDiscarder } from '../store/ports.ts';

export interface OperatorPorts {
  readonly ledger: Pick<PartLedger, 'notePlace' | 'acknowledge'> & Pick<BooksLedger, 'readEntries'>;
  readonly deadLetters: Pick<DeadLetters, 'giveBack' | 'park' | 'remove'>;
  readonly parked: Pick<ParkedLetters, 'keepDiscarded' | 'remove'>;
  readonly deltas: DeltaDiscarder;
  readonly clock: Clock;
}

/** The result for a letter. `counted`: its parts were counted already, and the letter was removed. */
export type Outcome = 'returned' | 'parked' | 'discarded' | 'counted' | 'poison';

/** Sends a waiting dead letter back to the rollup queue at once; it keeps its rounds. Poison stays where it is. */
export async function returnNow(letter: DeliveredMessage, ports: OperatorPorts): Promise<Outcome> {
  const carried = partsIn(letter.body);
  if (carried === undefined) return 'poison';
  await ports.ledger.notePlace(carried.segment, carried.parts, 'returned');
  await ports.deadLetters.giveBack(letter, historyOf(letter, ports), 0);
  await ports.deadLetters.remove(letter);
  return 'returned';
}

/** Moves a waiting dead letter into the archive. */
export async function parkNow(letter: DeliveredMessage, ports: OperatorPorts): Promise<Outcome> {
  const carried = partsIn(letter.body);
  await ports.deadLetters.park(letter, historyOf(letter, ports));
  if (carried !== undefined) await ports.ledger.notePlace(carried.segment, carried.parts, 'parked');
  await ports.deadLetters.remove(letter);
  return 'parked';
}

/**
 * Sends a parked letter to the rollup queue again, with all its rounds. The object stays, and the ledger says parked, until
 * the part is counted: a queue's retention can still drop the message.
 */
export async function replayParked(letter: ParkedLetter, ports: OperatorPorts): Promise<Outcome> {
  const carried = partsIn(letter.body);
  if (carried === undefined) return 'poison';
  if (await isCounted(carried, ports)) {
    await ports.parked.remove(letter.name);
    return 'counted';
  }
  const { name: messageId, body, history } = letter;
  await ports.deadLetters.giveBack({ messageId, body }, { ...history, rounds: 0 }, 0);
  return 'returned';
}

/** Gives up a waiting dead letter: keeps it under `discarded/`, notes it in the ledger as lost, then deletes it. */
export async function discardWaiting(
  letter: DeliveredMessage,
  discarding: Discarding,
  ports: OperatorPorts,
): Promise<Outcome> {
  const { body } = letter;
  const named = { name: letterName(letter), body, history: historyOf(letter, ports) };
  const outcome = await giveUp(named, discarding, ports);
  await ports.deadLetters.remove(letter);
  return outcome;
}

/** The same for a parked letter. */
export async function discardParked(
  letter: ParkedLetter,
  discarding: Discarding,
  ports: OperatorPorts,
): Promise<Outcome> {
  const outcome = await giveUp(letter, discarding, ports);
  await ports.parked.remove(letter.name);
  return outcome;
}

async function giveUp(letter: ParkedLetter, discarding: Discarding, ports: OperatorPorts): Promise<Outcome> {
  const carried = partsIn(letter.body);
  if (carried !== undefined && (await isCounted(carried, ports))) return 'counted';
  await ports.parked.keepDiscarded(letter, discarding);
  if (carried === undefined) return 'discarded';
  return (await discardParts(letter.body, carried, ports)) ? 'discarded' : 'counted';
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

function historyOf(letter: DeliveredMessage, { clock }: OperatorPorts) {
  return letter.history ?? unknownHistory(clock.nowMs());
}
