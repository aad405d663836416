// A Tally for properties: knows an id for ten minutes from its arrival, and treats each request as a fault says.
import type { FetchAnswer } from '../../../client/src/surroundings.ts';
import { answer, type ClientWorld, type Received } from './client-world.ts';

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
      /** Events of which the answer says they failed: every so-manieth. */
      readonly every: number;
      /** Of those, every so-manieth for a reason that leaves open whether it is stored; and it is. */
      readonly unsureEvery: number;
    };

const WINDOW_MS = 600_000;

/** The service. */
export class ModelTally {
  /** How often each id was counted. */
  readonly counted = new Map<string, number>();
  /** Ids of events it refuses, with 400. */
  refuses: (id: string) => boolean = () => false;
  readonly #lastArrivalMs = new Map<string, number>();
  readonly #world: ClientWorld;
  readonly #faults: Iterator<Fault>;

  /** @param faults for each request in turn; after the last all is well */
  constructor(world: ClientWorld, faults: Iterable<Fault>) {
    this.#world = world;
    this.#faults = faults[Symbol.iterator]();
  }

  readonly service = async ({ events }: Received): Promise<FetchAnswer> => {
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
        for (const { id } of events) this.#arrive(id);
        await this.#world.sleep(fault.answersMs);
        if (fault.says === 'yes') return answer(202, { accepted: events.length });
        if (fault.says === 'silence') return new Promise(() => {});
        if (fault.says === 'reset') throw new Error('connection reset');
        return answer(fault.says, { message: 'hm' });
      case 'partly': {
        const failed: { readonly index: number; readonly code: string }[] = [];
        for (const [index, { id }] of events.entries()) {
          const fails = index % fault.every === 0;
          const unsure = fails && failed.length % fault.unsureEvery === 0;
          if (!fails || unsure) this.#arrive(id);
          const code = unsure ? 'InternalFailure' : 'ProvisionedThroughputExceededException';
          if (fails) failed.push({ index, code });
        }
        return answer(503, { accepted: events.length - failed.length, failed });
      }
    }
  };

  #arrive(id: string): void {
    const { nowMs } = this.#world;
    const lastMs = this.#lastArrivalMs.get(id) ?? -Infinity;
    // By the least that is promised: only the first arrival of an id opens its window.
    if (nowMs - lastMs <= WINDOW_MS) return;
    this.#lastArrivalMs.set(id, nowMs);
    this.counted.set(id, (this.counted.get(id) ?? 0) + 1);
  }
}
