// The writer's use case: store the deltas of rollup messages, acknowledge them, and deal with messages that fail.
import pLimit, { type LimitFunction } from 'p-limit';
import type { Delta } from '../core/delta.ts';
import { goneAtMs, periodAt, type Retentions } from '../core/level.ts';
import { afterFailure, failureReason } from '../core/message-history.ts';
import { backoffMs } from '../core/retry-policy.ts';
import { decodeRollupMessage, InvalidRollupMessage, type RollupContent } from '../core/rollup-message.ts';
import { decodeRows } from '../core/rows.ts';
import { type NewlyCounted, newlyCounted } from '../core/segment-entry.ts';
import { DAY_MS, HOUR_MS } from '../core/time.ts';
import { type LevelRetentionsMs, retentionsKept } from '../core/watermark.ts';
import type { DeliveredMessage, FailedMessages } from '../dead-letter-ports.ts';
import type { Clock, ExpiredArchive, PartLedger, RetryPolicySource } from '../ports.ts';
import type { DeltaWriter } from '../store/ports.ts';

export interface WriterPorts {
  readonly deltas: DeltaWriter;
  readonly ledger: PartLedger;
  readonly expired: ExpiredArchive;
  readonly failed: FailedMessages;
  readonly retryPolicy: RetryPolicySource;
  readonly clock: Clock;
  /** A number in [0, 1). */
  readonly random: () => number;
}

/** Where rows go whose minutes are no longer kept. */
interface ExpiryPorts {
  readonly ledger: Pick<PartLedger, 'noteExpired'>;
  readonly expired: ExpiredArchive;
  readonly clock: Clock;
}

export interface WriterSettings {
  readonly retentions: LevelRetentionsMs;
  /** Maximum number of concurrent deltas. */
  readonly concurrency: number;
}

/** The result of a batch: the source of the writer's metrics. */
export interface WriteReport {
  /** Events of newly acknowledged parts: copies and repeats count nothing. */
  eventsCounted: number;
  /** For each of these parts: from the arrival of its segment's oldest record until now, milliseconds. */
  readonly freshnessMs: number[];
  /** Events whose minutes are no longer kept: the archive has their rows, too. */
  expired: number;
  /** Names and messages of errors; no payload. */
  readonly failures: string[];
}

/** The result of a message: it may be deleted, it failed, or time ran out before all of it was tried. */
type Outcome = 'written' | 'no-time' | { readonly failure: unknown };

/** What happens to a message: it is deleted, or delivered again. */
type Disposal = 'delete' | 'deliver-again';

/** A run in progress. */
interface Run {
  readonly ports: WriterPorts;
  readonly settings: WriterSettings;
  readonly hasTime: () => boolean;
  readonly limit: LimitFunction;
  readonly report: WriteReport;
}

/**
 * Writes a batch of rollup messages. Repeatable, in any order, with any duplicates.
 * @param hasTime whether there is time for more deltas; unfinished messages are delivered again
 * @returns the ids of the messages that must be delivered again, and a report
 */
export async function writeRollups(
  messages: readonly DeliveredMessage[],
  ports: WriterPorts,
  settings: WriterSettings,
  hasTime: () => boolean,
): Promise<{ retry: string[]; report: WriteReport }> {
  const report: WriteReport = { eventsCounted: 0, freshnessMs: [], expired: 0, failures: [] };
  const run = { ports, settings, hasTime, limit: pLimit(settings.concurrency), report };
  const disposals = await Promise.all(messages.map((message) => writeMessage(message, run)));
  const again = messages.filter((_, index) => disposals[index] === 'deliver-again');
  return { retry: again.map(({ messageId }) => messageId), report };
}

async function writeMessage(message: DeliveredMessage, run: Run): Promise<Disposal> {
  const content = contentOf(message);
  if (content instanceof InvalidRollupMessage)
    return giveUp(message, { reason: `poison: ${content.message}`, poison: true }, run);
  const outcome = await writeContent(content, run).catch((failure: unknown) => ({ failure }));
  if (outcome === 'written') return 'delete';
  if (outcome === 'no-time') return bringBack(message, 0, run);
  return handleFailure(message, content, outcome.failure, run);
}

/** A message's content, or why every attempt at it must fail. */
export function contentOf({ body }: DeliveredMessage): RollupContent | InvalidRollupMessage {
  try {
    return decodeRollupMessage(body);
  } catch (error) {
    if (error instanceof InvalidRollupMessage) return error;
    throw error;
  }
}

/** Stores a message's deltas and acknowledges those that are in the table. */
async function writeContent(content: RollupContent, run: Run): Promise<Outcome> {
  const { ports, limit, hasTime } = run;
  const retentions = await retentionsPassed(content, run);
  const results = await Promise.all(
    content.deltas.map((delta) =>
      limit(async (): Promise<Outcome | 'stored' | 'discarded'> => {
        if (!hasTime()) return 'no-time';
        try {
          if (retentions !== undefined) {
            const events = await keepExpired(delta, retentions, ports);
            run.report.expired += events;
          }
          return await ports.deltas.putDelta(delta);
        } catch (failure) {
          return { failure };
        }
      }),
    ),
  );
  const partsWith = (result: 'stored' | 'discarded') =>
    content.deltas.filter((_, index) => results[index] === result).map(({ part }) => part);
  const stored = partsWith('stored');
  if (stored.length > 0) {
    const before = await ports.ledger.acknowledge(content.segment, stored);
    if (before !== undefined) noteCounted(newlyCounted(before, stored), run);
  }
  // The discard may have stopped between its tombstone and its note.
  const discarded = partsWith('discarded');
  if (discarded.length > 0) await ports.ledger.notePlace(content.segment, discarded, 'discarded');
  const failed = results.find((result) => typeof result === 'object');
  return failed ?? (results.includes('no-time') ? 'no-time' : 'written');
}

/** Adds what an acknowledgement changed. */
function noteCounted({ parts, events, oldestArrivalMs }: NewlyCounted, { ports, report }: Run): void {
  report.eventsCounted += events;
  // The stream's clock and ours differ slightly.
  const ageMs = Math.max(0, ports.clock.nowMs() - oldestArrivalMs);
  report.freshnessMs.push(...Array<number>(parts).fill(ageMs));
}

/** The least value of `minuteRetentionDays`, now or earlier. */
const RETENTION_MIN_MS = DAY_MS;

/** What is retained; undefined if a message has no hour whose minutes are no longer kept. */
async function retentionsPassed(
  content: RollupContent,
  { ports, settings }: Run,
): Promise<Retentions | undefined> {
  const nowMs = ports.clock.nowMs();
  const youngestMs = Math.min(RETENTION_MIN_MS, settings.retentions.hours ?? RETENTION_MIN_MS);
  if (nowMs - content.earliestHourMs < youngestMs) return undefined;
  const retentions = retentionsKept(await ports.ledger.readWatermark(), settings.retentions);
  return isGone(content.earliestHourMs, retentions, nowMs) ? retentions : undefined;
}

function isGone(hourMs: number, retentions: Retentions, nowMs: number): boolean {
  return goneAtMs(periodAt('hours', hourMs), retentions) <= nowMs;
}

/**
 * Notes and archives rows whose minutes are no longer kept, before their delta is acknowledged. They count in days, months and
 * totals, as far as those are kept, but their minutes cannot be queried any more. Repeatable.
 * @returns how many events these rows have
 */
export async function keepExpired(
  delta: Delta,
  retentions: Retentions,
  { ledger, expired, clock }: ExpiryPorts,
): Promise<number> {
  const { segment, part } = delta;
  const nowMs = clock.nowMs();
  const events = decodeRows(delta.rows)
    .filter(({ hour }) => isGone(hour * HOUR_MS, retentions, nowMs))
    .reduce((sum, row) => sum + row.events, 0);
  if (events === 0) return 0;
  // Note it before archiving: a copy of a counted part has nothing to archive, and after a crash in between the message
  // is delivered again.
  if ((await ledger.noteExpired({ segment, part }, events)) === 'acknowledged') return 0;
  await expired.keepExpired(delta);
  return events;
}

async function handleFailure(
  message: DeliveredMessage,
  content: RollupContent,
  failure: unknown,
  run: Run,
): Promise<Disposal> {
  const { ports, report } = run;
  const policy = await ports.retryPolicy.current();
  const reason = failureReason(failure);
  report.failures.push(reason);
  if (message.receiveCount < policy.attempts) {
    return bringBack(message, backoffMs(policy, message.receiveCount, ports.random()), run);
  }
  const disposal = await giveUp(message, { reason, poison: false }, run);
  if (disposal === 'delete') await noteDead(content, run);
  return disposal;
}

/** Leaves a message in the queue, to be delivered again after a back-off. */
async function bringBack(message: DeliveredMessage, delayMs: number, { ports }: Run): Promise<Disposal> {
  try {
    await ports.failed.delay(message, delayMs);
  } catch {
    // The queue's own visibility timeout returns it, only without our back-off.
  }
  return 'deliver-again';
}

/** Moves a message to the dead-letter queue: sends it there first, and deletes it here only then. */
async function giveUp(
  message: DeliveredMessage,
  why: { reason: string; poison: boolean },
  { ports, report }: Run,
): Promise<Disposal> {
  const failure = { ...why, attempts: message.receiveCount, nowMs: ports.clock.nowMs() };
  try {
    await ports.failed.bury(message, afterFailure(message.history, failure));
    return 'delete';
  } catch (error) {
    report.failures.push(`not buried: ${String(error)}`);
    return 'deliver-again';
  }
}

async function noteDead({ segment, deltas }: RollupContent, { ports }: Run): Promise<void> {
  try {
    const parts = deltas.map(({ part }) => part);
    await ports.ledger.notePlace(segment, parts, 'dead');
  } catch {
    // The table that failed the message may be the one that would note it; redrive notes it again.
  }
}
