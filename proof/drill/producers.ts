// The producers of a drill: a number of requests each minute, retried with the same ids until accepted.
import { METRIC, type Oracle, type SentEvent } from './oracle.ts';

const ENTITIES = ['/', '/pricing', '/videos/42', '/é?q=1', '/blog/counting', '/légal'];
const EVENTS_PER_REQUEST = 5;

/**
 * Producers that lose nothing: they retry a request, or the part of it that was not accepted.
 * @param random numbers from 0 to below 1
 */
export function createProducers(url: string, oracle: Oracle, random: () => number) {
  let waiting: { readonly whole: readonly SentEvent[]; readonly missing: readonly SentEvent[] }[] = [];
  let made = 0;

  const eventAt = (nowMs: number): SentEvent => {
    made += 1;
    const entity = ENTITIES[Math.floor(random() ** 2 * ENTITIES.length)] ?? '/';
    const at = nowMs - Math.floor(random() * 90_000);
    return { id: `drill-${made}`, metric: METRIC, entity, at, n: random() < 0.1 ? -1 : 1 };
  };

  /** Posts events. @returns those that were not accepted */
  const post = async (events: readonly SentEvent[]): Promise<readonly SentEvent[]> => {
    const answer = await fetch(`${url}/v1/events`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ events }),
    });
    const body = (await answer.json()) as { failed?: { index: number }[] };
    if (answer.status === 202) return [];
    // A partial answer names what was not accepted. After any other failure the whole request is retried: ids make that safe.
    return body.failed?.flatMap(({ index }) => events[index] ?? []) ?? events;
  };

  return {
    /** How many requests are not accepted yet. */
    waiting: () => waiting.length,
    /**
     * Sends the waiting requests, then `requests` new ones; each is tried twice a minute.
     * @param nowMs the time of the events, epoch milliseconds
     */
    minute: async (requests: number, nowMs: number): Promise<void> => {
      const fresh = Array.from({ length: requests }, () => {
        const events = Array.from({ length: EVENTS_PER_REQUEST }, () => eventAt(nowMs));
        return { whole: events, missing: events };
      });
      const queue = [...waiting, ...fresh];
      waiting = [];
      for (const request of queue) {
        let { missing } = request;
        for (let tries = 0; tries < 2 && missing.length > 0; tries += 1) missing = await post(missing);
        if (missing.length > 0) waiting.push({ ...request, missing });
        else oracle.accepted(request.whole);
      }
    },
  };
}
