// The producers of a drill: a number of requests each minute, retried with the same ids until accepted.
import { METRIC, type Oracle, type SentEvent } from './oracle.ts';

const ENTITIES = ['/', '/pricing', '/videos/42', '/é?q=1', '/blog/counting', '/légal'];
const EVENTS_PER_REQUEST = 5;

/** Producers that lose nothing: they retry a request, or the part of it that was not accepted. */
export class Producers {
  readonly #url: string;
  readonly #oracle: Oracle;
  readonly #random: () => number;
  #waiting: { readonly whole: readonly SentEvent[]; readonly missing: readonly SentEvent[] }[] = [];
  #made = 0;

  /** @param random numbers from 0 to below 1 */
  constructor(url: string, oracle: Oracle, random: () => number) {
    this.#url = url;
    this.#oracle = oracle;
    this.#random = random;
  }

  /** Requests that are not accepted yet. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /**
   * Sends the waiting requests, then `requests` new ones; each is tried twice a minute.
   * @param nowMs the time of the events, epoch milliseconds
   */
  async minute(requests: number, nowMs: number): Promise<void> {
    const fresh = Array.from({ length: requests }, () => {
      const events = Array.from({ length: EVENTS_PER_REQUEST }, () => this.#event(nowMs));
      return { whole: events, missing: events };
    });
    const queue = [...this.#waiting, ...fresh];
    this.#waiting = [];
    for (const request of queue) {
      let { missing } = request;
      for (let tries = 0; tries < 2 && missing.length > 0; tries += 1) missing = await this.#post(missing);
      if (missing.length > 0) this.#waiting.push({ ...request, missing });
      else this.#oracle.accepted(request.whole);
    }
  }

  /** Posts events. @returns those that were not accepted */
  async #post(events: readonly SentEvent[]): Promise<readonly SentEvent[]> {
    const answer = await fetch(`${this.#url}/v1/events`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ events }),
    });
    const body = (await answer.json()) as { failed?: { index: number }[] };
    if (answer.status === 202) return [];
    // A partial answer names what was not accepted. After any other failure the whole request is retried: ids make that safe.
    return body.failed?.flatMap(({ index }) => events[index] ?? []) ?? events;
  }

  #event(nowMs: number): SentEvent {
    this.#made += 1;
    const entity = ENTITIES[Math.floor(this.#random() ** 2 * ENTITIES.length)] ?? '/';
    const at = nowMs - Math.floor(this.#random() * 90_000);
    return { id: `drill-${this.#made}`, metric: METRIC, entity, at, n: this.#random() < 0.1 ? -1 : 1 };
  }
}
