// Common parts of both kinds of event source mapping.
import { setTimeout as delay } from 'node:timers/promises';
import type { InvocationOutcome } from '../functions/protocol.ts';
import { asList, asNumber, asObject, asText, parseJson } from '../json.ts';
import type { Resource } from '../template/template.ts';

/** A running mapping. */
export type Mapping = Pick<Gate, 'pause' | 'resume' | 'stop'>;

/** Settings of both kinds of mapping. */
export type BatchSettings = Readonly<ReturnType<typeof batchSettings>>;

/** Reads these settings. @param batchSize Lambda's default */
export function batchSettings({ properties }: Resource, batchSize: number) {
  return {
    batchSize: asNumber(properties['BatchSize']) ?? batchSize,
    windowMs: (asNumber(properties['MaximumBatchingWindowInSeconds']) ?? 0) * 1_000,
    /** Whether an answer may name items that failed. */
    partialAnswers: asList(properties['FunctionResponseTypes']).includes('ReportBatchItemFailures'),
  };
}

/** Maximum bytes of records or messages in a batch: Lambda's limit for a payload, less the event's own fields. */
export const batchContentBytesMax = (6 * 1024 - 64) * 1024;

/** A gate that holds loops while a mapping is paused, and counts the batches in progress. */
export type Gate = ReturnType<typeof createGate>;

/** Creates an open gate. */
export function createGate() {
  const stopping = new AbortController();
  let opened: PromiseWithResolvers<void> | undefined;
  const work = new Set<Promise<unknown>>();

  /** Resolves when the mapping is not paused; rejects when it is stopped. */
  const pass = async () => {
    while (opened !== undefined && !stopping.signal.aborted) await opened.promise;
    stopping.signal.throwIfAborted();
  };
  const settled = async () => {
    while (work.size > 0) await Promise.allSettled([...work]);
  };
  const resume = () => {
    opened?.resolve();
    opened = undefined;
  };
  return {
    signal: stopping.signal,
    pass,
    /** Passes the gate and does work that `pause` and `stop` wait for. */
    handling: async <T>(run: () => Promise<T>): Promise<T> => {
      if (opened !== undefined) await pass();
      stopping.signal.throwIfAborted();
      const running = run();
      work.add(running);
      return running.finally(() => work.delete(running));
    },
    /** Stops taking records or messages; batches in progress continue. Resolves when none is left. */
    pause: async (): Promise<void> => {
      opened ??= Promise.withResolvers<void>();
      await settled();
    },
    resume,
    /** Stops permanently; waits up to `graceMs` for the batch in progress. */
    stop: async (graceMs: number): Promise<void> => {
      stopping.abort();
      resume();
      const grace = new AbortController();
      await Promise.race([settled(), delay(graceMs, undefined, { signal: grace.signal }).catch(() => {})]);
      grace.abort();
    },
  };
}

/** Waits. @throws AbortError when the mapping stops */
export function pauseFor(ms: number, signal: AbortSignal): Promise<void> {
  return delay(ms, undefined, { signal });
}

/**
 * The items of a batch that failed. Parses `{ batchItemFailures: [{ itemIdentifier }] }` like Lambda: nothing, null or an empty
 * list means success; an empty or unknown identifier, or another shape, fails the whole batch.
 * (docs lambda/latest/dg/services-sqs-errorhandling.html)
 */
export function failedItems(
  outcome: InvocationOutcome,
  { partialAnswers }: BatchSettings,
  identifiers: readonly string[],
): readonly string[] {
  if (!outcome.ok) return identifiers;
  if (!partialAnswers) return [];
  const failures = asObject(parseJson(outcome.payload))['batchItemFailures'] ?? [];
  if (!Array.isArray(failures)) return identifiers;
  const items = failures.map((failure) => asText(asObject(failure)['itemIdentifier']) ?? '');
  const known = new Set(identifiers);
  return items.every((item) => item !== '' && known.has(item)) ? items : identifiers;
}
