// How events are put into a request: in packs, as long as Tally takes them, or one by one; and what its answers say about that.
import { type Digest, PACK_BUCKETS, PACK_BUCKETS_DEFAULT, packsOf } from './packs.ts';

/** Most packs of a request, or events that go alone: each is a record of the stream, which takes so many at once. */
export const RECORDS_MAX = 500;

/** A request to be sent, and what becomes of its events in the stream. */
export interface Wrapped<E> {
  readonly path: string;
  readonly body: string;
  /** The events of each record, in the order in which an answer counts and numbers records. */
  readonly records: readonly (readonly E[])[];
  /** How many buckets it was packed for; undefined: its events go alone. */
  readonly buckets: number | undefined;
}

/** What packing has to know. */
export interface PackingParts<E> {
  /** Undefined: events go alone. */
  readonly digest: Digest | undefined;
  readonly idOf: (event: E) => string;
}

/** The body of a request whose events become a record each. */
export function bodyOf(events: readonly { readonly json: string }[]): string {
  return `{"events":[${events.map(({ json }) => json).join(',')}]}`;
}

/**
 * Wraps events into requests. Nobody has to tell it how many buckets a Tally has: a request packed for another number is
 * refused whole, with the right number in the refusal.
 */
export class Packing<E extends { readonly json: string }> {
  readonly #parts: PackingParts<E>;
  #buckets: number | undefined;
  /** Whether this Tally has ever taken packs. */
  #taken = false;

  constructor(parts: PackingParts<E>) {
    this.#parts = parts;
    this.#buckets = parts.digest === undefined ? undefined : PACK_BUCKETS_DEFAULT;
  }

  /** Puts events into one request. The same events may be wrapped otherwise next time, and their twins still meet. */
  wrap(events: readonly E[]): Wrapped<E> {
    const { digest, idOf } = this.#parts;
    const buckets = this.#buckets;
    if (digest === undefined || buckets === undefined) {
      return { path: '/v1/events', body: bodyOf(events), records: events.map((event) => [event]), buckets };
    }
    const packs = packsOf(events, idOf, digest, buckets);
    const texts = packs.map((pack) => `{"bucket":"${pack.bucket}",${bodyOf(pack.events).slice(1)}`);
    return {
      path: '/v1/events:packed',
      body: `{"packs":[${texts.join(',')}]}`,
      records: packs.map((pack) => pack.events),
      buckets,
    };
  }

  /**
   * Learns from an answer.
   * @returns why the same events should be wrapped anew and sent again, if the answer says so: none of them is stored
   */
  learn(
    { buckets }: Wrapped<E>,
    answer: { readonly status: number; readonly body: string },
  ): string | undefined {
    if (buckets === undefined) return undefined;
    const { status } = answer;
    if (status === 202) this.#taken = true;
    const right = status === 400 ? bucketsIn(answer.body) : undefined;
    if (right !== undefined && right !== buckets) {
      this.#buckets = right;
      return `${status} it has ${right} buckets for packs, not ${buckets}`;
    }
    if (!this.#hasNoRoute(answer)) return undefined;
    this.#buckets = undefined;
    return `${status} it does not take packs`;
  }

  /**
   * API Gateway answers 403 for a route that it does not have, and says so: a Tally that has taken packs may go back to a version
   * without. Any other 403 may be about the key, or a web ACL that knows no such route; before packs were ever taken, the next answer tells.
   */
  #hasNoRoute({ status, body }: { readonly status: number; readonly body: string }): boolean {
    if (status !== 403) return status === 404;
    return !this.#taken || fieldIn(body, 'message') === 'Missing Authentication Token';
  }
}

function bucketsIn(text: string): number | undefined {
  const packBuckets = fieldIn(text, 'packBuckets');
  return PACK_BUCKETS.find((buckets) => buckets === packBuckets);
}

function fieldIn(text: string, name: string): unknown {
  try {
    return (JSON.parse(text) as Readonly<Record<string, unknown>>)[name];
  } catch {
    return undefined;
  }
}
