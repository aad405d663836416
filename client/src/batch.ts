// Batches: events that travel under one key as one record, and are sent again only as they were.

/** Most events of a batch. */
export const BATCH_EVENTS_MAX = 500;
/** Most bytes of a batch's body: a record of the stream holds 1 MiB. */
export const BATCH_BYTES_MAX = 1_000_000;
/** Most characters of a caller's key: halves of a batch add two each, and Tally takes 128. */
export const KEY_CHARACTERS_MAX = 100;

/** A batch, or a half of one. */
export interface Batch {
  readonly key: string;
  /** Its events, each as JSON. */
  readonly events: readonly string[];
  /** The place of its first event in the batch that the caller gave. */
  readonly first: number;
  /** The request's body, the same at every attempt. */
  readonly body: string;
  /** When the first attempt began that may have stored it, by the steady clock; undefined: surely none has. */
  mayBeStoredSinceMs: number | undefined;
  /** Whether a beacon carries it: beacons have no answer. */
  beaconed: boolean;
}

/** Makes a batch. @param events each as JSON */
export function batchOf(key: string, events: readonly string[], first = 0): Batch {
  const body = `{"batch":${JSON.stringify(key)},"events":[${events.join(',')}]}`;
  return { key, events, first, body, mayBeStoredSinceMs: undefined, beaconed: false };
}

/**
 * Cuts a batch of which nothing is stored in two. The halves' keys follow from its own, so whoever cuts the same batch
 * again gets the same halves.
 */
export function halvesOf({ key, events, first }: Batch): readonly [Batch, Batch] {
  const middle = Math.ceil(events.length / 2);
  return [
    batchOf(`${key}.1`, events.slice(0, middle), first),
    batchOf(`${key}.2`, events.slice(middle), first + middle),
  ];
}

const encoder = new TextEncoder();

/** A text's length in UTF-8. */
export function utf8Bytes(text: string): number {
  return encoder.encode(text).length;
}
