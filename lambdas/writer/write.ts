// The writer's use case: apply rollup messages to the counter items, acknowledge them, and deal with those that fail.
import pLimit from 'p-limit';
import {
  type Contribution,
  type CounterKey,
  counterExpiresAt,
  counterKey,
  counterUpdate,
  isExpired,
  UPDATE_SEGMENTS_MAX,
} from '../counting/counter-item.ts';
import type { SegmentId } from '../counting/identifiers.ts';
import { afterFailure } from '../counting/message-history.ts';
import { backoffMs } from '../counting/retry-policy.ts';
import { decodeRollupMessage, InvalidRollupMessage, type RollupContent } from '../counting/rollup-message.ts';
import { newlyCounted } from '../counting/segment-entry.ts';
import type { DeliveredMessage, FailedMessages } from '../dead-letter-ports.ts';
import type { Clock, CounterStore, ExpiredArchive, PartLedger, RetryPolicySource } from '../ports.ts';
import { emptyReport, noteCounted, type WriteReport } from './write-report.ts';

/** What the writer needs. */
export interface WriterPorts {
  readonly counters: CounterStore;
  readonly ledger: PartLedger;
  readonly expired: ExpiredArchive;
  readonly failed: FailedMessages;
  readonly retryPolicy: RetryPolicySource;
  readonly clock: Clock;
  /** A number from 0 to below 1. */
  readonly random: () => number;
}

/** How the writer works. */
export interface WriterSettings {
  /** How long counter items are kept after their bucket's end; undefined: for ever. */
  readonly counterRetentionMs: number | undefined;
  /** Updates under way at once. */
  readonly concurrency: number;
}

/** One part, with every message of the batch that carries it: SQS may deliver copies. */
interface Part {
  readonly content: RollupContent;
  readonly messages: DeliveredMessage[];
  failure: unknown;
  /** True when time ran out before all of its rows were tried: nothing is wrong with it. */
  deferred: boolean;
}

/** What one counter item gets from the batch. */
interface ItemWork {
  readonly key: CounterKey;
  readonly expiresAt: number | undefined;
  readonly contributions: (Contribution & { readonly part: Part })[];
}

/**
 * Writes a batch of rollup messages. Safe to repeat, in any order, with any copies.
 * @param hasTime whether there is time for more updates; messages that are not through by then are delivered again
 * @returns the ids of the messages that must be delivered again, and what was done
 */
export async function writeRollups(
  messages: readonly DeliveredMessage[],
  ports: WriterPorts,
  settings: WriterSettings,
  hasTime: () => boolean,
): Promise<{ retry: string[]; report: WriteReport }> {
  const report = emptyReport(messages.length);
  const { parts, poison } = readParts(messages);
  const limit = pLimit(settings.concurrency);
  const work = await planWork(parts, ports, settings, report);
  await Promise.all(
    chunked(work).map((item) =>
      limit(async () => {
        if (!hasTime()) {
          for (const { part } of item.contributions) part.deferred = true;
          return;
        }
        try {
          await applyToItem(item, ports, report);
        } catch (failure) {
          for (const { part } of item.contributions) part.failure = failure;
        }
      }),
    ),
  );
  await acknowledge(parts, ports, report, limit);
  const retry: string[] = [];
  for (const [message, reason] of poison)
    await giveUp(message, `poison: ${reason}`, true, ports, report, retry);
  for (const part of parts) {
    for (const message of part.messages) {
      if (part.failure !== undefined) await handleFailure(message, part, ports, report, retry);
      else if (part.deferred) await bringBack(message, 0, ports, report, retry);
    }
  }
  return { retry, report };
}

function readParts(messages: readonly DeliveredMessage[]) {
  const parts = new Map<string, Part>();
  const poison: [DeliveredMessage, string][] = [];
  for (const message of messages) {
    try {
      const content = decodeRollupMessage(message.body);
      const name = `${content.segment}/${content.part}`;
      const part = parts.get(name) ?? { content, messages: [], failure: undefined, deferred: false };
      part.messages.push(message);
      parts.set(name, part);
    } catch (error) {
      if (!(error instanceof InvalidRollupMessage)) throw error;
      poison.push([message, error.message]);
    }
  }
  return { parts: [...parts.values()], poison };
}

/** Groups rows by counter item. Rows whose items may be deleted already go to the archive: their segments are forgotten. */
async function planWork(
  parts: readonly Part[],
  { expired, ledger, clock }: WriterPorts,
  { counterRetentionMs }: WriterSettings,
  report: WriteReport,
): Promise<Iterable<ItemWork>> {
  const work = new Map<string, ItemWork>();
  for (const part of parts) {
    const { content } = part;
    const late = [];
    for (const row of content.rows) {
      const expiresAt = counterExpiresAt(row.bucket, counterRetentionMs);
      if (isExpired(expiresAt, clock.nowMs())) {
        late.push(row);
        continue;
      }
      const key = counterKey(row.metric, row.entity, row.bucket);
      const name = JSON.stringify([key.pk, key.sk]);
      const item = work.get(name) ?? { key, expiresAt, contributions: [] };
      item.contributions.push({ segment: content.segment, row, part });
      work.set(name, item);
    }
    if (late.length === 0) continue;
    const events = late.reduce((sum, row) => sum + row.events, 0);
    try {
      // Noted before it is kept: a copy of a part that is counted has nothing to keep, and a crash in between brings the
      // message back.
      if ((await ledger.noteExpired(content, events)) === 'acknowledged') continue;
      await expired.keepExpired({ ...content, rows: late });
      report.expired += events;
    } catch (failure) {
      part.failure = failure;
    }
  }
  return work.values();
}

function chunked(work: Iterable<ItemWork>): ItemWork[] {
  const chunks: ItemWork[] = [];
  for (const item of work) {
    for (let at = 0; at < item.contributions.length; at += UPDATE_SEGMENTS_MAX) {
      chunks.push({ ...item, contributions: item.contributions.slice(at, at + UPDATE_SEGMENTS_MAX) });
    }
  }
  return chunks;
}

/** Applies what the item does not have yet; another writer may add to it between two tries, so it may take some. */
async function applyToItem(item: ItemWork, { counters }: WriterPorts, report: WriteReport): Promise<void> {
  let missing: readonly Contribution[] = item.contributions;
  while (missing.length > 0) {
    report.updates += 1;
    const result = await counters.apply(counterUpdate(item.key, missing, item.expiresAt));
    if (result === 'applied') {
      report.rowsApplied += missing.length;
      report.updatesCoalesced += missing.length - 1;
      return;
    }
    const rest = missing.filter(({ segment }) => !result.has(segment));
    report.rowsAlreadyApplied += missing.length - rest.length;
    if (rest.length === missing.length) {
      throw new Error(
        `an update of ${JSON.stringify(item.key.sk)} was refused, and none of its segments is there`,
      );
    }
    missing = rest;
  }
}

/** Acknowledges every part whose rows are all in. A part that can not be acknowledged is delivered again. */
async function acknowledge(
  parts: readonly Part[],
  { ledger, clock }: WriterPorts,
  report: WriteReport,
  limit: ReturnType<typeof pLimit>,
): Promise<void> {
  const bySegment = new Map<SegmentId, Part[]>();
  for (const part of parts) {
    if (part.failure !== undefined || part.deferred) continue;
    bySegment.set(part.content.segment, [...(bySegment.get(part.content.segment) ?? []), part]);
  }
  await Promise.all(
    [...bySegment].map(([segment, written]) =>
      limit(async () => {
        try {
          const numbers = written.map(({ content }) => content.part);
          const before = await ledger.acknowledge(segment, numbers);
          if (before !== undefined) noteCounted(report, newlyCounted(before, numbers), clock.nowMs());
          report.partsAcknowledged += written.length;
        } catch (failure) {
          for (const part of written) part.failure = failure;
        }
      }),
    ),
  );
}

async function handleFailure(
  message: DeliveredMessage,
  { failure, content }: Part,
  ports: WriterPorts,
  report: WriteReport,
  retry: string[],
): Promise<void> {
  const policy = await ports.retryPolicy.current();
  const reason = failure instanceof Error ? `${failure.name}: ${failure.message}` : String(failure);
  report.failures.push(reason);
  if (message.receiveCount >= policy.attempts) {
    await giveUp(message, reason, false, ports, report, retry);
    if (!retry.includes(message.messageId)) await noteDead(content, ports);
    return;
  }
  await bringBack(message, backoffMs(policy, message.receiveCount, ports.random()), ports, report, retry);
}

/** Leaves a message in the queue, to be delivered again after a while. */
async function bringBack(
  message: DeliveredMessage,
  delayMs: number,
  { failed }: WriterPorts,
  report: WriteReport,
  retry: string[],
): Promise<void> {
  retry.push(message.messageId);
  report.delayed += 1;
  try {
    await failed.delay(message, delayMs);
  } catch {
    // The queue's own visibility time-out brings it back, only not with our back-off.
    report.delayFailed += 1;
  }
}

/** Moves a message to the dead-letter queue: sent there first; deleted here, by not asking for it again, only then. */
async function giveUp(
  message: DeliveredMessage,
  reason: string,
  poison: boolean,
  { failed, clock }: WriterPorts,
  report: WriteReport,
  retry: string[],
): Promise<void> {
  const failure = { attempts: message.receiveCount, reason, poison, nowMs: clock.nowMs() };
  try {
    await failed.bury(message, afterFailure(message.history, failure));
    report.dead += 1;
  } catch (error) {
    report.failures.push(`not buried: ${String(error)}`);
    retry.push(message.messageId);
  }
}

async function noteDead({ segment, part }: RollupContent, { ledger }: WriterPorts): Promise<void> {
  try {
    await ledger.notePlace({ segment, part }, 'dead');
  } catch {
    // The table that made the message fail may well be the one that would note it; redrive notes it again.
  }
}
