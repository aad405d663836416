// A Tally for properties: knows an id for ten minutes from its arrival, and treats each request as a fault says.
import type { FetchAnswer } from '../../../client/src/surroundings.ts';
import { answer, type ClientWorld, md5, type Received } from './client-world.ts';

/**
 * What becomes of a request. `lost`: it never arrives, and the connection breaks. `stored`: it is stored after
 * `arrivesMs`, whether the client still waits or not, and answered after `answersMs` more; `reset`: by breaking the
 * connection, `silence`: never. `turnedAway`: not stored, whatever the answer.
 */
export type Fault =
  | { readonly kind: 'lost' }
  | {
      readonly kind: 'stored';
      readonly arrivesMs: number;
      readonly answersMs: number;
      readonly says: 'yes' | 'reset' | 'silence' | 500 | 503 | 200;
    }
  | {
      readonly kind: 'turnedAway';
      readonly says: 200 | 429 | 500 | 502 | 413 | 'silence';
      readonly retryAfter: string | undefined;
    }
  | {
      readonly kind: 'partly';
      /** Records of which the answer says they failed: every so-manieth. */
      readonly every: number;
      /** Of those, every so-manieth for a reason that leaves open whether it is stored; and it is. */
      readonly unsureEvery: number;
    };

const WINDOW_MS = 600_000;

/** The service. */
export class ModelTally {
  /** How often each id was counted. */
  readonly counted = new Map<string, number>();
  /** Whether an event came in a pack of another bucket than its id's. */
  misplaced = false;
  /** Ids of events it refuses, with 400. */
  refuses: (id: string) => boolean = () => false;
  /** How many buckets it has for packs; undefined: it takes none. */
  packBuckets: number | undefined = 16;
  readonly #lastArrivalMs = new Map<string, number>();
  readonly #world: ClientWorld;
  readonly #faults: Iterator<Fault>;

  /** @param faults for each request in turn; after the last all is well */
  constructor(world: ClientWorld, faults: Iterable<Fault>) {
    this.#world = world;
    this.#faults = faults[Symbol.iterator]();
  }

  readonly service = async ({ events, records }: Received): Promise<FetchAnswer> => {
    const { packBuckets } = this;
    const packed = records.some(({ bucket }) => bucket !== undefined);
    if (packed && packBuckets === undefined) return answer(403, { message: 'Missing Authentication Token' });
    if (packed && records.some(({ bucket = '' }) => 2 ** bucket.length !== packBuckets))
      return answer(400, { message: 'a bucket is wrong', packBuckets });
    if (events.some(({ id }) => this.refuses(id))) return answer(400, { message: 'an event is wrong' });
    const next = this.#faults.next();
    const fault: Fault =
      next.done === true ? { kind: 'stored', arrivesMs: 1, answersMs: 1, says: 'yes' } : next.value;
    switch (fault.kind) {
      case 'lost':
        throw new Error('no connection');
      case 'turnedAway':
        if (fault.says === 'silence') return new Promise(() => {});
        return answer(
          fault.says,
          {},
          fault.retryAfter === undefined ? {} : { 'retry-after': fault.retryAfter },
        );
      case 'stored':
        await this.#world.sleep(fault.arrivesMs);
        for (const record of records) this.#arrive(record);
        await this.#world.sleep(fault.answersMs);
        if (fault.says === 'yes') return answer(202, { accepted: records.length });
        if (fault.says === 'silence') return new Promise(() => {});
        if (fault.says === 'reset') throw new Error('connection reset');
        return answer(fault.says, { message: 'hm' });
      case 'partly': {
        const failed: { readonly index: number; readonly code: string }[] = [];
        for (const [index, record] of records.entries()) {
          const fails = index % fault.every === 0;
          const unsure = fails && failed.length % fault.unsureEvery === 0;
          if (!fails || unsure) this.#arrive(record);
          const code = unsure ? 'InternalFailure' : 'ProvisionedThroughputExceededException';
          if (fails) failed.push({ index, code });
        }
        return answer(503, { accepted: records.length - failed.length, failed });
      }
    }
  };

  /** As many shards as there are buckets: an id is known where its record went, and nowhere else. */
  #arrive({ bucket, events }: Received['records'][number]): void {
    const { nowMs } = this.#world;
    for (const { id } of events) {
      const shard = bucket ?? 'alone';
      if (bucket !== undefined) this.misplaced ||= !bitsOf(md5(id)).startsWith(bucket);
      const lastMs = this.#lastArrivalMs.get(`${shard} ${id}`) ?? -Infinity;
      // By the least that is promised: only the first arrival of an id opens its window.
      if (nowMs - lastMs <= WINDOW_MS) continue;
      this.#lastArrivalMs.set(`${shard} ${id}`, nowMs);
      this.counted.set(id, (this.counted.get(id) ?? 0) + 1);
    }
  }
}

function bitsOf(bytes: Uint8Array): string {
  return [...bytes].map((byte) => byte.toString(2).padStart(8, '0')).join('');
}
