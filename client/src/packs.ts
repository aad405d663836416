// Packed records: which bucket an event's id falls in, and events grouped so that the same id is always in the same bucket.

/** Most events of one pack: so many of the largest that there can be are one record of the stream. */
export const PACK_EVENTS_MAX = 250;
/** How many buckets a Tally may have: its setting `packBuckets`. */
export const PACK_BUCKETS = [16, 32, 64, 128, 256, 512, 1024] as const;
/** How many it has unless it is configured otherwise. */
export const PACK_BUCKETS_DEFAULT = 16;

/** Events of one bucket. */
export interface Pack<E> {
  /** The first bits of the MD5 of each event's id, as `0110`. */
  readonly bucket: string;
  readonly events: readonly E[];
}

/** The MD5 of a text's UTF-8, 16 bytes: by it Kinesis finds the shard of an event that is sent alone. */
export type Digest = (text: string) => Uint8Array;

/**
 * The bucket of an id.
 * @param digest the id's
 * @param buckets how many there are: a power of two, 65,536 at most
 * @returns as many bits as tell that many buckets apart
 */
export function bucketOf(digest: Uint8Array, buckets: number): string {
  const bits = Math.log2(buckets);
  const [first = 0, second = 0] = digest;
  return (((first << 8) | second) >>> (16 - bits)).toString(2).padStart(bits, '0');
}

/** Groups events by bucket, never by what else is at hand: a retry packed differently has to meet its twin. */
export function packsOf<E>(
  events: readonly E[],
  idOf: (event: E) => string,
  digest: Digest,
  buckets: number,
): readonly Pack<E>[] {
  const open = new Map<string, E[]>();
  const packs: Pack<E>[] = [];
  for (const event of events) {
    const bucket = bucketOf(digest(idOf(event)), buckets);
    const pack = open.get(bucket);
    if (pack !== undefined && pack.length < PACK_EVENTS_MAX) pack.push(event);
    else {
      const fresh = [event];
      open.set(bucket, fresh);
      packs.push({ bucket, events: fresh });
    }
  }
  return packs;
}
