// Demo traffic through the front door: Zipf-like, with retries and malformed requests.
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';

/** A running demo. */
export type Demo = ReturnType<typeof startDemo>;

/** The metric that the demo counts. */
const demoMetric = 'view';
const pages = [
  '/',
  '/pricing',
  '/docs/getting-started',
  '/blog/counting-is-hard',
  '/blog/why-retries-count-twice',
  '/docs/api',
  '/about',
  '/über-uns',
  '/search?q=exactly+once',
  '/careers',
  '/docs/deploy',
  '/legal/imprint',
];

/** Some 12 events a second. */
const requestMs = 250;
const eventsPerRequest = 3;
/** Starts with a history, one request per minute, so that there is something to see. */
const historyMinutes = 60;
/** Shares of requests that are repeated with the same ids, or malformed. */
const retryShare = 0.05;
const malformedShare = 0.03;

/** Starts the demo, with an hour of history unless `history` is false. */
export function startDemo(
  url: string,
  complain: (line: string) => void,
  options: { history?: boolean } = {},
) {
  /** Accepted events by entity. */
  const sent = new Map(pages.map((page) => [page, 0]));
  /** Events that were accepted, and sent twice; malformed requests. */
  const totals = { accepted: 0, repeated: 0, refused: 0 };
  const pending = new Set<Promise<void>>();
  const stopping = new AbortController();
  let running = true;

  const run = (work: () => Promise<void>) => {
    const working = work().catch((error: Error) => {
      if (!stopping.signal.aborted) complain(`demo: ${error.message}`);
    });
    pending.add(working);
    void working.then(() => pending.delete(working));
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

  const send = async (events: readonly ReturnType<typeof createEvent>[], batch?: string) => {
    // Repeat a refused request with the same ids.
    while ((await post({ batch, events })) !== 202)
      await sleep(1_000, undefined, { signal: stopping.signal });
    totals.accepted += events.length;
    for (const { entity } of events) sent.set(entity, (sent.get(entity) ?? 0) + 1);
  };

  const sendHistory = async () => {
    const nowMs = Date.now();
    for (let minute = historyMinutes; minute > 0; minute -= 1) {
      const startMs = Math.floor(nowMs / 60_000 - minute) * 60_000;
      const length = Math.round(200 + 80 * Math.sin(minute / 7) + 30 * Math.random());
      const events = Array.from({ length }, () => createEvent(startMs + Math.floor(Math.random() * 60_000)));
      // A batch is one record of the stream.
      await send(events, `history-${startMs}`);
    }
  };

  const sendRequest = async () => {
    if (Math.random() < malformedShare) {
      const malformed = { events: [{ metric: 'no spaces, please', entity: '/' }] };
      if ((await post(malformed)) === 400) totals.refused += 1;
      return;
    }
    const events = Array.from({ length: eventsPerRequest }, () => createEvent());
    await send(events);
    if (Math.random() < retryShare && (await post({ events })) === 202) totals.repeated += events.length;
  };

  if (options.history !== false) run(sendHistory);
  const timer = setInterval(() => {
    if (running) run(sendRequest);
  }, requestMs);
  return {
    state: () => ({ running, metric: demoMetric, ...totals, sent: Object.fromEntries(sent) }),
    /** Resolves when every request is answered, so that `state` is final. */
    pause: async (): Promise<void> => {
      running = false;
      await Promise.all(pending);
    },
    resume: (): void => {
      running = true;
    },
    stop: async (): Promise<void> => {
      clearInterval(timer);
      stopping.abort();
      await Promise.all(pending);
    },
  };
}

/** An event of a page; the probability of rank r falls about as 1/r. @param at by default, the arrival */
function createEvent(at?: number) {
  const rank = Math.floor((pages.length + 1) ** Math.random());
  return { id: randomUUID(), metric: demoMetric, entity: pages[rank - 1] ?? '/', at };
}
