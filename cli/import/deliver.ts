// Delivers one batch under its key, and records each step in the journal before and after.
import type { TallyClient } from '../../client/src/index.ts';
import { partKey } from '../../formats/batches.ts';
import { CommandError } from '../shared/errors.ts';
import type { Journal } from '../source/journal.ts';
import type { Figures, Reporter } from './figures.ts';
import type { PlannedBatch } from './planner.ts';

/** What to do with requests that may be stored, and that the service would no longer recognise. */
export const UNCERTAIN = ['hold', 'send', 'skip'] as const;
export type UncertainPolicy = (typeof UNCERTAIN)[number];

export interface DeliverySettings {
  /** How long the service recognises a repeated batch. */
  readonly dedupWindowMs: number;
  /** The timeout of one request. */
  readonly timeoutMs: number;
  readonly uncertain: UncertainPolicy;
}

export interface DeliveryPorts {
  readonly sender: Pick<TallyClient, 'sendBatch'>;
  readonly reporter: Reporter;
  /** Updated while it runs, so that they are available even if it throws. */
  readonly figures: Figures;
  now(): number;
  /** Starts no new request, and no retry. */
  readonly stop: AbortSignal;
  /** Aborts requests in flight. */
  readonly kill: AbortSignal;
}

/** An aborted request may still arrive within this time. */
const TRANSIT_MS = 30_000;

/** How long a request may be sent again after the first attempt that may have stored it. */
export function resendMs({ dedupWindowMs, timeoutMs }: DeliverySettings): number {
  return dedupWindowMs - timeoutMs - TRANSIT_MS;
}

/**
 * Delivers a batch, and reports the events that the service refuses.
 * @returns how many it refuses, and how many are uncertain
 * @throws CommandError if the service refuses everything
 */
export async function deliver(
  batch: PlannedBatch,
  settings: DeliverySettings,
  journal: Journal,
  ports: DeliveryPorts,
): Promise<Pick<Figures, 'rejected' | 'uncertain'>> {
  const { figures, now } = ports;
  const { count } = batch;
  const { offset: from } = batch.from;
  const { offset: to, crc } = batch.to;
  const forgotten = batch.since !== undefined && leftMs(batch.since, settings, now()) <= 0;
  if (forgotten && settings.uncertain === 'hold') {
    figures.uncertain += count;
    return { rejected: 0, uncertain: count };
  }
  if (forgotten && settings.uncertain === 'skip') {
    await journal.append({ t: 'abandon', from });
    figures.abandoned += count;
    return { rejected: 0, uncertain: 0 };
  }
  if (forgotten) figures.repeated += count;
  await journal.append({ t: 'send', from, to, crc, since: now() });
  const since = forgotten ? undefined : batch.since;
  const sent = await sendParts({ ...batch, since }, settings, ports);
  const { accepted, rejected, mayBeStored, hopeless } = sent;
  const left = count - accepted - rejected;
  if (left === 0) await journal.append({ t: 'ok', from, accepted, at: now() });
  else if (!mayBeStored && batch.since === undefined && accepted === 0)
    await journal.append({ t: 'none', from });
  const uncertain = mayBeStored && !ports.stop.aborted ? left : 0;
  figures.uncertain += uncertain;
  figures.unsent += left - uncertain;
  if (hopeless !== undefined) throw new CommandError(`the service refuses: ${hopeless}`);
  return { rejected, uncertain };
}

/** How long a batch may still be sent that another run sent first at `since`. The clock may have been set back meanwhile. */
function leftMs(since: number, settings: DeliverySettings, nowMs: number): number {
  return resendMs(settings) - Math.abs(nowMs - since);
}

/** @returns what became of the events, whether those left may be stored, and why it is hopeless, if it is */
async function sendParts(
  { key, from, parts, since }: PlannedBatch,
  settings: DeliverySettings,
  { sender, stop, kill, reporter, figures, now }: DeliveryPorts,
) {
  const over = new AbortController();
  const onRetry = (reason: string) => {
    figures.retries += 1;
    reporter.trouble(reason);
    if (stop.aborted) over.abort(stop.reason);
  };
  const signal = AbortSignal.any([kill, over.signal]);
  const place = { kind: 'rejected', lineNumber: from.lines + 1, offset: from.offset } as const;
  let [accepted, rejected] = [0, 0];
  for (const [index, events] of parts.entries()) {
    const mayBeStored = since !== undefined;
    const giveUpAfterMs = Math.max(0, mayBeStored ? leftMs(since, settings, now()) : resendMs(settings));
    const options = { giveUpAfterMs, mayBeStored, signal, onRetry };
    const sent = await sender.sendBatch(partKey(key, index), events, options);
    accepted += sent.accepted;
    figures.accepted += sent.accepted;
    rejected += sent.rejected.length;
    figures.rejected += sent.rejected.length;
    for (const { index: event, reason } of sent.rejected) {
      const raw = JSON.stringify(events[event]);
      await reporter.rejected({ ...place, reason: `the service: ${reason}`, raw });
    }
    const { undelivered } = sent;
    if (undelivered.length === 0) continue;
    const hopeless = undelivered.find((one) => one.hopeless)?.reason;
    return { accepted, rejected, mayBeStored: undelivered.some((one) => one.mayBeCounted), hopeless };
  }
  return { accepted, rejected, mayBeStored: false };
}
