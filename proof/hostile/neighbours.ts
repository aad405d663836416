// Well-behaved clients that go on while others attack: each of their requests is answered, each of their events counted once,
// although every batch is sent twice at once.
import { setTimeout as pause } from 'node:timers/promises';

const EVENTS_EACH = 20;
const PAUSE_MS = 40;
const CLIENTS = 3;

/** Starts the neighbours. @returns a function that stops them, and waits until their events are counted */
export function startNeighbours(url: string, name: string) {
  const broken: string[] = [];
  let slowestMs = 0;
  let going = true;
  const entityOf = (client: number) => `${name}/${client}`;

  /** @returns whether it was accepted */
  async function post(body: string): Promise<boolean> {
    const began = performance.now();
    const headers = { 'content-type': 'application/json' };
    const answer = await fetch(`${url}/v1/events`, { method: 'POST', headers, body });
    const text = await answer.text();
    slowestMs = Math.max(slowestMs, performance.now() - began);
    if (answer.status !== 202)
      broken.push(`a neighbour's events were answered ${answer.status}: ${text.slice(0, 200)}`);
    return answer.status === 202;
  }

  /** @returns how many events were sent */
  async function work(client: number): Promise<number> {
    const events = Array(EVENTS_EACH).fill({ metric: 'neighbour', entity: entityOf(client) });
    let sent = 0;
    for (let request = 0; going; request += 1) {
      const body = JSON.stringify({ batch: `${name}-${client}-${request}`, events });
      try {
        const taken = await Promise.all([post(body), post(body)]);
        if (taken.includes(true)) sent += EVENTS_EACH;
      } catch (error) {
        broken.push(`a neighbour was not answered: ${error}`);
      }
      await pause(PAUSE_MS);
    }
    return sent;
  }

  const clients = Array.from({ length: CLIENTS }, (_, client) => work(client));
  return async () => {
    going = false;
    const sent = await Promise.all(clients);
    const counted = await Promise.all(
      sent.map((expected, client) => waitForCount(url, entityOf(client), expected)),
    );
    const sum = (numbers: readonly number[]) => numbers.reduce((all, one) => all + one, 0);
    return { sent: sum(sent), counted: sum(counted), broken, slowestMs: Math.round(slowestMs) };
  };
}

/** How long an event may take to be counted after the attacks have stopped. */
const COUNTED_WITHIN_MS = 60_000;

/** Waits until an entity has its expected count. @returns the count then, or when time is up */
export async function waitForCount(
  url: string,
  entity: string,
  expected: number,
  metric = 'neighbour',
): Promise<number> {
  const until = performance.now() + COUNTED_WITHIN_MS;
  for (;;) {
    const answer = await fetch(`${url}/v1/counts/${metric}/${encodeURIComponent(entity)}?by=total`);
    const { total } = (await answer.json()) as { total?: number };
    if ((total ?? 0) >= expected || performance.now() > until) return total ?? 0;
    await pause(100);
  }
}
