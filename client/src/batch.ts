// Batches: events that are sent together, and always resent unchanged.

/** Maximum number of events in a batch. */
export const BATCH_EVENTS_MAX = 500;
/** Maximum bytes of a batch's body: a record of the stream holds 1 MiB. */
export const BATCH_BYTES_MAX = 1_000_000;
/** Maximum length of a caller's key: halves of a batch add two characters each, and Tally's limit is 128. */
export const KEY_CHARACTERS_MAX = 100;

/** A batch, or a half of one. */
export interface Batch {
  /** Makes the events one record. Undefined: each has an id, is its own record, and is deduplicated across requests. */
  readonly key: string | undefined;
  /** Its events, each as JSON. */
  readonly events: readonly string[];
  /** The index of its first event in the caller's batch. */
  readonly first: number;
  /** The request's body, the same at every attempt. */
  readonly body: string;
  /** When the first attempt began that may have stored it, by the steady clock; undefined: none can have. */
  mayBeStoredSinceMs: number | undefined;
  /** Whether it ever left with the page: that has no answer, or none that counts, so it may be stored. */
  carried: boolean;
  /** Whether it left with the page, and nothing has failed since. */
  beaconed: boolean;
}

/** Makes a batch. @param events each as JSON */
export function batchOf(key: string | undefined, events: readonly string[], first = 0): Batch {
  const named = key === undefined ? '' : `"batch":${JSON.stringify(key)},`;
  const body = `{${named}"events":[${events.join(',')}]}`;
  return { key, events, first, body, mayBeStoredSinceMs: undefined, carried: false, beaconed: false };
}

/**
 * Splits a batch of which nothing is stored. The halves' keys are derived from its own: splitting the same batch
 * again gives the same halves.
 * @returns the second half, then the first: on a stack, the first is on top
 */
export function halvesOf({ key, events, first }: Batch): readonly [Batch, Batch] {
  const middle = Math.ceil(events.length / 2);
  const keyOf = (half: number) => (key === undefined ? undefined : `${key}.${half}`);
  return [
    batchOf(keyOf(2), events.slice(middle), first + middle),
    batchOf(keyOf(1), events.slice(0, middle), first),
  ];
}

const encoder = new TextEncoder();

/** A text's length in UTF-8. */
export function utf8Bytes(text: string): number {
  return encoder.encode(text).length;
}
