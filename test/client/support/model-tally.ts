// A model of Tally for properties: knows a batch's events for an hour from their arrival, and applies a fault to each request.
import type { FetchAnswer } from '../../../client/src/platform.ts';
import { answer, type ClientWorld, type Received } from './client-world.ts';

/**
 * The outcome of a request. `lost`: it never arrives, and the connection breaks. `stored`: it is stored after
 * `arrivesMs`, whether the client still waits or not, and answered after `answersMs` more; `reset`: by breaking the
 * connection, `silence`: never. `turnedAway`: not stored, for any answer.
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
      readonly says: 200 | 429 | 500 | 502 | 413 | 'throttled' | 'silence';
      readonly retryAfter: string | undefined;
    };

const WINDOW_MS = 3_600_000;

/** The service. */
export class ModelTally {
  /** How often each entity was counted. */
  readonly counted = new Map<string, number>();
  /** How many events it knew already. */
  duplicates = 0;
  /** Entities of events it refuses, with 400. */
  refuses: (entity: string) => boolean = () => false;
  readonly #lastArrivalMs = new Map<string, number>();
  readonly #world: ClientWorld;
  readonly #faults: Iterator<Fault>;

  /** @param faults for each request in turn; after the last all is well */
  constructor(world: ClientWorld, faults: Iterable<Fault>) {
    this.#world = world;
    this.#faults = faults[Symbol.iterator]();
  }

  readonly service = async (request: Received): Promise<FetchAnswer> => {
    if (request.events.some(({ entity }) => this.refuses(entity)))
      return answer(400, { message: 'an event is wrong' });
    const next = this.#faults.next();
    const fault: Fault =
      next.done === true ? { kind: 'stored', arrivesMs: 1, answersMs: 1, says: 'yes' } : next.value;
    switch (fault.kind) {
      case 'lost':
        throw new Error('no connection');
      case 'turnedAway':
        if (fault.says === 'silence') return new Promise(() => {});
        if (fault.says === 'throttled') return answer(503, throttledOf(request));
        return answer(
          fault.says,
          {},
          fault.retryAfter === undefined ? {} : { 'retry-after': fault.retryAfter },
        );
      case 'stored':
        await this.#world.sleep(fault.arrivesMs);
        this.arrive(request);
        await this.#world.sleep(fault.answersMs);
        if (fault.says === 'yes') return takenOf(request);
        if (fault.says === 'silence') return new Promise(() => {});
        if (fault.says === 'reset') throw new Error('connection reset');
        return answer(fault.says, { message: 'hm' });
    }
  };

  /** Counts unknown events: an event is identified by its batch's key and its place in it, or by its id. */
  arrive({ batch, events }: Pick<Received, 'batch' | 'events'>): void {
    const { nowMs } = this.#world;
    for (const [place, { id, entity }] of events.entries()) {
      const name = batch === undefined ? `id ${id}` : `${batch} ${place} ${entity}`;
      const lastMs = this.#lastArrivalMs.get(name) ?? -Infinity;
      // The least that is promised: only the first arrival opens the window.
      if (nowMs - lastMs <= WINDOW_MS) {
        this.duplicates += 1;
        continue;
      }
      this.#lastArrivalMs.set(name, nowMs);
      this.counted.set(entity, (this.counted.get(entity) ?? 0) + 1);
    }
  }
}

const recordsOf = ({ batch, events }: Pick<Received, 'batch' | 'events'>) =>
  batch === undefined ? events.length : 1;
const takenOf = (request: Received) => answer(202, { accepted: recordsOf(request) });
const throttledOf = (request: Received) => {
  const code = 'ProvisionedThroughputExceededException';
  return { accepted: 0, failed: Array.from({ length: recordsOf(request) }, (_, index) => ({ index, code })) };
};
