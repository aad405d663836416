// Reads dead letters from the queue, which gets them back, and from the archive, with the current place of each part.
import { Readable } from 'node:stream';
import { GetQueueAttributesCommand, type SQSClient } from '@aws-sdk/client-sqs';
import { deadLetterName, partsIn } from '../../lambdas/core/dead-letter-name.ts';
import { parseSegmentId } from '../../lambdas/core/identifiers.ts';
import { partPlace } from '../../lambdas/core/segment-entry.ts';
import type {
  DeadLetters,
  DeliveredMessage,
  ParkedMessage,
  ParkedMessages,
} from '../../lambdas/dead-letter-ports.ts';
import type { OperatorPorts } from '../../lambdas/redriver/operate.ts';
import { type DeadLetterFacts, factsOf, isSelected, type Selection } from './facts.ts';

const BATCH_MAX = 10;

/** The ports of the commands on dead letters. */
export interface DeadLetterPorts extends OperatorPorts {
  readonly waiting: ReturnType<typeof waitingMessages>;
  readonly parked: ParkedMessages;
}

/** The dead-letter queue, for operators. SQS cannot be browsed: messages are hidden while they are read, and released. */
export function waitingMessages(
  client: SQSClient,
  QueueUrl: string,
  deadLetters: Pick<DeadLetters, 'take' | 'release'>,
) {
  return {
    /** Receives some messages, hidden for a minute or until released. Empty when there seem to be none left. */
    take: () => deadLetters.take(BATCH_MAX),
    /** Makes messages visible again; ignores messages that are not held any more. */
    release: (held: Parameters<DeadLetters['release']>[0]) => deadLetters.release(held),
    /** The approximate numbers of messages: visible, and delayed or received by another (the redriver, an operator). */
    async depth(): Promise<{ readonly visible: number; readonly hidden: number }> {
      const { Attributes } = await client.send(
        new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['All'] }),
      );
      const counts: Partial<Record<string, string>> = Attributes ?? {};
      const number = (name: string) => Number(counts[`ApproximateNumberOfMessages${name}`] ?? 0);
      return { visible: number(''), hidden: number('NotVisible') + number('Delayed') };
    },
  };
}

/** When a walk ends before the end of the queue. */
interface Limits {
  /** Maximum number of messages to read. */
  readonly most?: number | undefined;
  readonly signal?: AbortSignal;
}

/** Messages are hidden for a minute; a walk ends before that, and releases the messages it holds. */
const HOLD_MS = 45_000;
/** Parked messages read at once. */
const READ_AT_ONCE = 16;

/** Numbers of messages in the queue, visible and hidden. */
type Depth = Awaited<ReturnType<DeadLetterPorts['waiting']['depth']>>;

/**
 * Walks through the dead-letter queue. Releases what `visit` does not keep at the end, also after an error.
 * @param visit returns whether it has handled the message, which then needs no release
 * @returns the depth before the walk, and how many messages were read; whether the walk came to the end of the queue (it may end
 * before by its limits, or by Ctrl-C), and whether it saw all messages: by the depths, the queue had and has no other
 */
export async function walkWaiting(
  { waiting, clock }: Pick<DeadLetterPorts, 'waiting' | 'clock'>,
  visit: (message: DeliveredMessage) => Promise<boolean>,
  { most = Number.POSITIVE_INFINITY, signal }: Limits = {},
) {
  // Without bodies: those of thousands would fill the memory.
  const held: Pick<DeliveredMessage, 'receiptHandle'>[] = [];
  const seen = new Set<string>();
  let heldSinceMs = Number.POSITIVE_INFINITY;
  const before = await waiting.depth();
  try {
    while (seen.size < most && clock.nowMs() - heldSinceMs < HOLD_MS && !signal?.aborted) {
      const taken = await waiting.take();
      const news = taken.filter(({ messageId }) => !seen.has(messageId));
      if (news.length === 0) {
        // Before the release: what the walk holds stays in the queue, so that any other adds to the sum.
        const sawAll = sizeOf(before) <= seen.size && sizeOf(await waiting.depth()) <= held.length;
        return { before, read: seen.size, complete: true, sawAll };
      }
      // Hold all of them before reading any: an unreadable message must not stay hidden.
      const left = new Set(news);
      try {
        for (const message of news) {
          seen.add(message.messageId);
          if (await visit(message)) left.delete(message);
        }
      } finally {
        for (const { receiptHandle } of left) held.push({ receiptHandle });
        if (left.size > 0) heldSinceMs = Math.min(heldSinceMs, clock.nowMs());
      }
    }
    return { before, read: seen.size, complete: false, sawAll: false };
  } finally {
    await waiting.release(held);
  }
}

/** The sum is right also while SQS has not noted yet that a message was hidden or released. */
function sizeOf({ visible, hidden }: Depth): number {
  return visible + hidden;
}

/** The selected messages of the queue, by name, without duplicates; and, by requested part, messages named after another part. */
export async function findWaiting(ports: DeadLetterPorts, selection: Selection, limits?: Limits) {
  const found = new Map<string, DeadLetterFacts>();
  const carriers = new Map<string, string>();
  const visit = async (message: DeliveredMessage) => {
    const facts = factsOf({ ...message, name: deadLetterName(message) }, 'waiting');
    if (isSelected(facts, selection)) found.set(facts.name, keptOf(facts, selection));
    const carried = partsIn(message.body);
    const names = carried?.parts.map((part) => `${carried.segment}/${part}`) ?? [];
    for (const name of names)
      if (name !== facts.name && selection.names?.has(name)) carriers.set(name, facts.name);
    return false;
  };
  return { ...(await walkWaiting(ports, visit, limits)), found, carriers };
}

/** The selected messages of the archive. Reads given names directly, since there may be many other messages. */
export function findParked(ports: DeadLetterPorts, selection: Selection): AsyncIterable<DeadLetterFacts> {
  const read = async (name: string) => {
    const message = await ports.parked.read(name);
    const facts = message && factsOf(message, await placeOf(message, ports));
    return facts && isSelected(facts, selection) ? [keptOf(facts, selection)] : [];
  };
  const names = Readable.from(selection.names ?? ports.parked.names());
  return names.flatMap(read, { concurrency: READ_AT_ONCE });
}

function keptOf(facts: DeadLetterFacts, { rows = false }: Selection): DeadLetterFacts {
  return rows ? facts : { ...facts, rows: [] };
}

/** Where the parts of an archived message are: its object stays until they are counted. */
async function placeOf(
  { body }: ParkedMessage,
  { ledger }: DeadLetterPorts,
): Promise<DeadLetterFacts['place']> {
  const carried = partsIn(body);
  if (carried === undefined) return 'parked';
  const { shard, segment } = parseSegmentId(carried.segment);
  const [entry] = await ledger.readEntries(shard, [segment]);
  if (entry === undefined) return 'parked';
  const places = carried.parts.map((part) => partPlace(entry, part));
  if (places.every((place) => place === 'counted')) return 'counted';
  return places.every((place) => place === 'in-flight' || place === 'dead') ? 'returned' : 'parked';
}
