// Demo traffic: a steady Zipf-like stream through the front door, with retries and malformed requests among it.
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { asNumber, asObject, parseJson } from './json.ts';

/** Running demo traffic. */
export interface Demo {
  stop(): Promise<void>;
}

interface DemoEvent {
  readonly id: string;
  readonly metric: string;
  readonly entity: string;
}

const metric = 'view';
const pages = [
  '/',
  '/pricing',
  '/docs/getting-started',
  '/blog/counting-is-hard',
  '/blog/why-retries-count-twice',
  '/docs/api',
  '/about',
  '/🎉',
  '/search?q=exactly+once',
  '/careers',
  '/docs/deploy',
  '/legal/imprint',
];

/** A request leaves this often, with this many events in it: some 40 a second. */
const requestMs = 250;
const eventsPerRequest = 10;
/** Of all requests, so many are sent a second time with the same ids, and so many are malformed. */
const retryShare = 0.05;
const malformedShare = 0.03;
const reportMs = 10_000;
const shownEntities = 5;

/** Starts the demo; `say` gets its lines. */
export function startDemo(url: string, say: (line: string) => void, complain: (line: string) => void): Demo {
  const sent = new Map<string, number>();
  const totals = { accepted: 0, retried: 0, refused: 0 };
  const pending = new Set<Promise<void>>();
  const stopping = new AbortController();

  const run = (work: () => Promise<void>) => {
    const running = work().catch((error: unknown) => {
      if (!stopping.signal.aborted)
        complain(`demo: ${error instanceof Error ? error.message : String(error)}`);
    });
    pending.add(running);
    void running.then(() => pending.delete(running));
  };

  const post = async (body: unknown) => {
    const answer = await fetch(`${url}/v1/events`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
      signal: stopping.signal,
    });
    await answer.arrayBuffer();
    return answer.status;
  };

  const sendRequest = async () => {
    if (Math.random() < malformedShare) {
      if ((await post({ events: [{ metric: 'no spaces, please', entity: '/' }] })) === 400)
        totals.refused += 1;
      return;
    }
    const events = Array.from({ length: eventsPerRequest }, createEvent);
    // Turned away, it comes again, with the same ids.
    while ((await post({ events })) !== 202) await sleep(1_000, undefined, { signal: stopping.signal });
    totals.accepted += events.length;
    for (const { entity } of events) sent.set(entity, (sent.get(entity) ?? 0) + 1);
    if (Math.random() < retryShare && (await post({ events })) === 202) totals.retried += events.length;
  };

  const report = async () => {
    const top = [...sent]
      .sort(([, a], [, b]) => b - a)
      .slice(0, shownEntities)
      .map(([entity]) => entity);
    // Counted is read first: what is counted has been sent, the other way round it takes a moment.
    const counts = await Promise.all(top.map((entity) => readTotal(url, entity, stopping.signal)));
    const width = Math.max(0, ...top.map((entity) => entity.length));
    say(
      `demo: ${totals.accepted} events accepted, ${totals.retried} of them sent twice, ${totals.refused} malformed requests refused`,
    );
    for (const [index, entity] of top.entries()) {
      say(`  ${entity.padEnd(width)}  counted ${counts[index]} of ${sent.get(entity)} sent`);
    }
  };

  const timers = [setInterval(() => run(sendRequest), requestMs), setInterval(() => run(report), reportMs)];
  return {
    stop: async () => {
      timers.forEach(clearInterval);
      stopping.abort();
      await Promise.all(pending);
    },
  };
}

/** The entity of rank r comes with a probability proportional to 1/r. */
function createEvent(): DemoEvent {
  const weights = pages.map((_, rank) => 1 / (rank + 1));
  let rest = Math.random() * weights.reduce((sum, weight) => sum + weight, 0);
  const rank = weights.findIndex((weight) => {
    rest -= weight;
    return rest <= 0;
  });
  return { id: randomUUID(), metric, entity: pages[Math.max(rank, 0)] ?? '/' };
}

async function readTotal(url: string, entity: string, signal: AbortSignal): Promise<number> {
  const path = `/v1/counts/${metric}/${encodeURIComponent(entity)}?by=total`;
  const answer = await fetch(`${url}${path}`, { signal });
  return asNumber(asObject(parseJson(await answer.text()))['total']) ?? 0;
}
