// Delivers one batch under its key, and records each step in the journal before and after.
import type { Delivery, SendOptions, TallyEvent } from '../../client/src/index.ts';
import { type BatchEvent, partKey } from '../../formats/batches.ts';
import { ServiceError } from '../shared/errors.ts';
import type { Journal } from '../source/journal.ts';
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

/** The part of the client that delivers. */
export interface BatchSender {
  /** @param key undefined: each event has an id of its own */
  sendBatch(key: string | undefined, events: readonly TallyEvent[], options?: SendOptions): Promise<Delivery>;
}

export interface DeliveryPorts {
  readonly sender: BatchSender;
  readonly journal: Journal;
  now(): number;
  /** Starts no new request, and no retry. */
  readonly stop: AbortSignal;
  /** Aborts requests in flight. */
  readonly kill: AbortSignal;
  trouble(reason: string): void;
}

/** The result for a batch's events. */
export interface Delivered {
  accepted: number;
  uncertain: number;
  abandoned: number;
  unsent: number;
  repeated: number;
  retries: number;
  rejected: { readonly event: BatchEvent; readonly reason: string }[];
}

/** An aborted request may still arrive within this time. */
const TRANSIT_MS = 30_000;

/** @throws ServiceError if the service refuses everything */
export async function deliver(
  batch: PlannedBatch,
  settings: DeliverySettings,
  ports: DeliveryPorts,
): Promise<Delivered> {
  const { journal, now } = ports;
  const [from, to] = [batch.from.offset, batch.to.offset];
  const count = batch.parts.reduce((sum, { length }) => sum + length, 0);
  const result: Delivered = {
    accepted: 0,
    uncertain: 0,
    abandoned: 0,
    unsent: 0,
    repeated: 0,
    retries: 0,
    rejected: [],
  };
  const lateMs = settings.dedupWindowMs - settings.timeoutMs - TRANSIT_MS;
  const leftMs = batch.since === undefined ? lateMs : batch.since + lateMs - now();
  const forgotten = batch.since !== undefined && leftMs <= 0;
  if (forgotten && settings.uncertain === 'hold') return { ...result, uncertain: count };
  if (forgotten && settings.uncertain === 'skip') {
    await journal.append({ t: 'abandon', from });
    return { ...result, abandoned: count };
  }
  if (forgotten) result.repeated = count;
  await journal.append({ t: 'send', from, to, crc: batch.to.crc, since: now() });
  const { mayBeStored, hopeless } = await sendParts(
    batch,
    forgotten ? lateMs : Math.max(0, leftMs),
    ports,
    result,
  );
  const left = count - result.accepted - result.rejected.length;
  if (left === 0) await journal.append({ t: 'ok', from, accepted: result.accepted, at: now() });
  else if (!mayBeStored && batch.since === undefined && result.accepted === 0)
    await journal.append({ t: 'none', from });
  if (left > 0) result[mayBeStored && !ports.stop.aborted ? 'uncertain' : 'unsent'] = left;
  if (hopeless !== undefined) throw new ServiceError(`the service refuses: ${hopeless}`);
  return result;
}

interface Sent {
  readonly mayBeStored: boolean;
  readonly hopeless: string | undefined;
}

async function sendParts(
  batch: PlannedBatch,
  giveUpAfterMs: number,
  ports: DeliveryPorts,
  result: Delivered,
): Promise<Sent> {
  const { sender, stop, kill, trouble } = ports;
  const over = new AbortController();
  const onRetry = (reason: string) => {
    result.retries += 1;
    trouble(reason);
    if (stop.aborted) over.abort(stop.reason);
  };
  const signal = AbortSignal.any([kill, over.signal]);
  for (const [index, events] of batch.parts.entries()) {
    const sent = await sender.sendBatch(partKey(batch.key, index), events, {
      giveUpAfterMs,
      signal,
      onRetry,
    });
    result.accepted += sent.accepted;
    for (const { index: place, reason } of sent.rejected) {
      const event = events[place];
      if (event !== undefined) result.rejected.push({ event, reason });
    }
    const { undelivered } = sent;
    if (undelivered.length === 0) continue;
    const hopeless = undelivered.find((one) => one.hopeless)?.reason;
    return { mayBeStored: undelivered.some((one) => one.mayBeCounted), hopeless };
  }
  return { mayBeStored: false, hopeless: undefined };
}
