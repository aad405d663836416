// Looking at dead letters: through the queue and back, and through the archive with where each part is by now.
import { parseSegmentId, type ShardKey } from '../../lambdas/core/identifiers.ts';
import { letterName, partsIn } from '../../lambdas/core/letter-name.ts';
import { partPlace, type SegmentEntry } from '../../lambdas/core/segment-entry.ts';
import type { ParkedLetter } from '../../lambdas/dead-letter-ports.ts';
import type { Clock } from '../../lambdas/ports.ts';
import { factsOf, isMeant, type LetterFacts, type Selection } from './facts.ts';
import type { DeadLetterPorts, WaitingLetter } from './ports.ts';

/** What walking through the queue came to. */
export interface Walk {
  /** Letters met. */
  readonly met: number;
  /** False when the walk ended before the queue did: its time or its limit was over. */
  readonly complete: boolean;
}

/** Letters are hidden for a minute; a walk that holds any ends before that, and gives them back. */
const HOLD_MS = 45_000;
/** Parked letters read at once. */
const READ_AT_ONCE = 16;

/**
 * Walks through the dead-letter queue. What `visit` does not keep is released in the end, whatever happens.
 * @param visit returns whether it has dealt with the letter, so that there is nothing to release
 * @param most how many letters to look at
 */
export async function walkWaiting(
  { waiting, clock }: Pick<DeadLetterPorts, 'waiting'> & { readonly clock: Clock },
  visit: (letter: WaitingLetter) => Promise<boolean>,
  most = Number.POSITIVE_INFINITY,
): Promise<Walk> {
  const held: WaitingLetter[] = [];
  const met = new Set<string>();
  let heldSinceMs = Number.POSITIVE_INFINITY;
  try {
    while (met.size < most && clock.nowMs() - heldSinceMs < HOLD_MS) {
      const taken = await waiting.take();
      const news = taken.filter(({ messageId }) => !met.has(messageId));
      if (news.length === 0) return { met: met.size, complete: true };
      // Held before any is looked at: one that cannot be looked at must not stay hidden.
      const left = new Set(news);
      try {
        for (const letter of news) {
          met.add(letter.messageId);
          if (await visit(letter)) left.delete(letter);
        }
      } finally {
        held.push(...left);
        if (left.size > 0) heldSinceMs = Math.min(heldSinceMs, clock.nowMs());
      }
    }
    return { met: met.size, complete: false };
  } finally {
    await waiting.release(held);
  }
}

/** The waiting letters that are meant, by name; copies of a part are one. */
export async function findWaiting(
  ports: DeadLetterPorts,
  selection: Selection,
  most?: number,
): Promise<Walk & { readonly found: Map<string, LetterFacts> }> {
  const found = new Map<string, LetterFacts>();
  const walk = await walkWaiting(
    ports,
    async (letter) => {
      const facts = factsOf({ ...letter, name: letterName(letter) }, 'waiting');
      if (isMeant(facts, selection)) found.set(facts.name, facts);
      return false;
    },
    most,
  );
  return { ...walk, found };
}

/** The parked letters that are meant, one after the other. Named ones are read by name: there may be many others. */
export async function* findParked(
  ports: DeadLetterPorts,
  selection: Selection,
): AsyncIterable<{ readonly letter: ParkedLetter; readonly facts: LetterFacts }> {
  let names: string[] = [];
  const read = async () => {
    const letters = await Promise.all(names.map((name) => readParked(name, ports)));
    names = [];
    return letters.flatMap((found) =>
      found !== undefined && isMeant(found.facts, selection) ? [found] : [],
    );
  };
  for await (const name of selection.names ?? ports.parked.names()) {
    names.push(name);
    if (names.length === READ_AT_ONCE) yield* await read();
  }
  yield* await read();
}

async function readParked(name: string, ports: DeadLetterPorts) {
  const letter = await ports.parked.read(name);
  return letter && { letter, facts: factsOf(letter, await placeOf(letter, ports)) };
}

/** Where the parts of a letter in the archive are: the object stays behind until they are counted. */
async function placeOf({ body }: ParkedLetter, { ledger }: DeadLetterPorts): Promise<LetterFacts['place']> {
  const carried = partsIn(body);
  if (carried === undefined) return 'parked';
  const { shard, segment } = parseSegmentId(carried.segment);
  const entry = await entryOf(ledger, shard, segment);
  if (entry === undefined) return 'parked';
  const places = carried.parts.map((part) => partPlace(entry, part));
  if (places.every((place) => place === 'counted')) return 'counted';
  return places.every((place) => place === 'in-flight' || place === 'dead') ? 'returned' : 'parked';
}

async function entryOf(
  ledger: DeadLetterPorts['ledger'],
  shard: ShardKey,
  segment: number,
): Promise<SegmentEntry | undefined> {
  const [entry] = await ledger.readEntries(shard, [segment]);
  return entry;
}
