// Common parts of both kinds of event source mapping.
import { setTimeout as delay } from 'node:timers/promises';
import type { InvocationOutcome } from '../functions/protocol.ts';
import { asObject, asText, parseJson } from '../json.ts';

/** A running mapping. */
export interface Mapping {
  readonly logicalId: string;
  /** Stops taking records or messages; batches in progress continue. Resolves when none is left. */
  pause(): Promise<void>;
  resume(): void;
  /** Stops permanently; waits up to `graceMs` for the batch in progress. */
  stop(graceMs: number): Promise<void>;
}

/** Invokes the mapping's function. */
export type Invoke = (event: unknown) => Promise<InvocationOutcome>;

/** Lambda's limit for the payload of one batch. */
const batchBytesMax = 6 * 1024 * 1024;

/** Maximum bytes of records or messages in a batch: the limit, less the event's own fields. */
export const batchContentBytesMax = batchBytesMax - 64 * 1024;

/** A gate that holds loops while a mapping is paused, and counts the batches in progress. */
export interface Gate {
  readonly signal: AbortSignal;
  /** Resolves when the mapping is not paused; rejects when it is stopped. */
  pass(): Promise<void>;
  /** Passes the gate and does work that `pause` and `stop` wait for. */
  handling<T>(work: () => Promise<T>): Promise<T>;
  pause(): Promise<void>;
  resume(): void;
  stop(graceMs: number): Promise<void>;
}

/** Creates an open gate. */
export function createGate(): Gate {
  const stopping = new AbortController();
  let opened: PromiseWithResolvers<void> | undefined;
  const work = new Set<Promise<unknown>>();

  const pass = async () => {
    while (opened !== undefined && !stopping.signal.aborted) await opened.promise;
    stopping.signal.throwIfAborted();
  };
  const settled = async () => {
    while (work.size > 0) await Promise.allSettled([...work]);
  };
  return {
    signal: stopping.signal,
    pass,
    handling: async (run) => {
      if (opened !== undefined) await pass();
      stopping.signal.throwIfAborted();
      const running = run();
      work.add(running);
      try {
        return await running;
      } finally {
        work.delete(running);
      }
    },
    pause: async () => {
      opened ??= Promise.withResolvers<void>();
      await settled();
    },
    resume: () => {
      opened?.resolve();
      opened = undefined;
    },
    stop: async (graceMs) => {
      stopping.abort();
      opened?.resolve();
      opened = undefined;
      const grace = new AbortController();
      await Promise.race([settled(), delay(graceMs, undefined, { signal: grace.signal }).catch(() => {})]);
      grace.abort();
    },
  };
}

export async function pauseFor(ms: number, signal: AbortSignal): Promise<void> {
  await delay(ms, undefined, { signal });
}

/**
 * Parses `{ batchItemFailures: [{ itemIdentifier }] }` like Lambda: nothing, null or an empty list means success; an empty or
 * unknown identifier, or another shape, fails the whole batch.
 * (docs lambda/latest/dg/services-sqs-errorhandling.html)
 * @returns the identifiers that failed
 */
export function readBatchAnswer(payload: string, known: (identifier: string) => boolean): string[] | 'all' {
  const failures = asObject(parseJson(payload))['batchItemFailures'] ?? [];
  if (!Array.isArray(failures)) return 'all';
  const items = failures.map((failure) => asText(asObject(failure)['itemIdentifier']) ?? '');
  return items.every((item) => item !== '' && known(item)) ? items : 'all';
}
