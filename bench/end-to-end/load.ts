// The load: events generated in advance, sent over keep-alive connections, and how soon they are accepted and counted.
import { randomUUID } from 'node:crypto';
import { Agent, request } from 'node:http';
import { text as textOf } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { readStatus } from '../../local/status.ts';
import { zipf } from '../../plan/workload.ts';
import { processorMs } from './figures.ts';

/** Entities: Zipf with exponent 1 over a number of them, one for all events, or a new one for each event. */
export type Entities = number | 'one' | 'each';

/** The ways to send events; `batched`: a request is a batch under a key, which is one record of the stream. */
export const MODES = {
  single: { name: '1 a request', perRequest: 1, batched: false },
  hundred: { name: '100 a request', perRequest: 100, batched: false },
  batch: { name: '100 a request, as a batch', perRequest: 100, batched: true },
} as const;
export type Mode = (typeof MODES)[keyof typeof MODES];

/** An event as a client reports it. */
export interface BenchEvent {
  readonly id: string;
  readonly metric: string;
  readonly entity: string;
}

/** What to send, and how fast. */
export interface Load {
  readonly mode: Mode;
  readonly events: number;
  readonly entities: Entities;
  readonly connections: number;
  /** Requests are sent at this rate, answered or not. By default, each connection sends as soon as it is answered. */
  readonly eventsPerSecond?: number;
}

const METRIC = 'bench';
/** Status requests cost Tally processor time: poll no more often than necessary. */
const STATUS_POLL_MS = 50;
const AGAIN_MS = 20;
/** Longer than any load takes. */
const PATIENCE_MS = 120_000;

/** Sends a load to a system, and waits until `GET /v1/status` has counted it. Times are milliseconds. @throws Error on timeout */
export async function runLoad(url: string, load: Load) {
  const agent = new Agent({ keepAlive: true, maxSockets: load.connections });
  const requests = makeRequests(load);
  const bodies = requests.map((events) => Buffer.from(JSON.stringify(bodyOf(events, load.mode))));
  /** From each request's scheduled time until its 202. */
  const latenciesMs: number[] = [];
  /** Answers other than 202 and broken connections; such requests are repeated until accepted. */
  const refusals: string[] = [];
  const deliver = async (body: Buffer, dueMs: number) => {
    for (;;) {
      const { status, text } = await post(agent, `${url}/v1/events`, body).catch(failed);
      if (status === 202) break;
      refusals.push(`${status} ${text}`);
      await delay(AGAIN_MS);
    }
    latenciesMs.push(performance.now() - dueMs);
  };
  try {
    const { counted } = await readStatus(url);
    const cpuBeforeMs = processorMs();
    const startMs = performance.now();
    if (load.eventsPerSecond === undefined) await closedLoop(bodies, load.connections, deliver);
    else await openLoop(bodies, (load.mode.perRequest / load.eventsPerSecond) * 1_000, deliver);
    // Until the last request was accepted; then, until all events were counted.
    const takenMs = performance.now() - startMs;
    while ((await readStatus(url)).counted < counted + load.events) {
      if (performance.now() - startMs > PATIENCE_MS)
        throw new Error(`Not all of ${load.events} events were counted in time.`);
      await delay(STATUS_POLL_MS);
    }
    const countedMs = performance.now() - startMs;
    /** Processor time of the generator. */
    const cpuMs = processorMs() - cpuBeforeMs;
    const sums = sumsOf(requests.flat());
    return { events: load.events, latenciesMs, refusals, takenMs, countedMs, sums, cpuMs };
  } finally {
    agent.destroy();
  }
}

type Deliver = (body: Buffer, dueMs: number) => Promise<void>;

async function closedLoop(bodies: readonly Buffer[], connections: number, deliver: Deliver): Promise<void> {
  const queue = bodies.values();
  const work = async () => {
    for (const body of queue) await deliver(body, performance.now());
  };
  await Promise.all(Array.from({ length: connections }, work));
}

async function openLoop(bodies: readonly Buffer[], everyMs: number, deliver: Deliver): Promise<void> {
  const startMs = performance.now();
  const underWay: Promise<void>[] = [];
  for (const [index, body] of bodies.entries()) {
    const dueMs = startMs + index * everyMs;
    const waitMs = dueMs - performance.now();
    if (waitMs > 1) await delay(waitMs);
    underWay.push(deliver(body, dueMs));
  }
  await Promise.all(underWay);
}

interface Answer {
  readonly status: number;
  readonly text: string;
}

const failed = (error: Error): Answer => ({ status: 0, text: error.message });

function post(agent: Agent, url: string, body: Buffer): Promise<Answer> {
  const headers = { 'content-type': 'application/json', 'content-length': body.length };
  return new Promise((resolve, reject) => {
    const outgoing = request(url, { agent, method: 'POST', headers }, (incoming) => {
      textOf(incoming).then((text) => resolve({ status: incoming.statusCode ?? 0, text }), reject);
    });
    outgoing.once('error', reject);
    outgoing.end(body);
  });
}

/** A batch's events need no ids: the batch has a key. */
function bodyOf(events: readonly BenchEvent[], { batched }: Mode): object {
  return batched ? { batch: randomUUID(), events: events.map(({ id: _, ...event }) => event) } : { events };
}

function makeRequests({ events, entities, mode: { perRequest } }: Load): BenchEvent[][] {
  const pick = picker(entities);
  return Array.from({ length: Math.ceil(events / perRequest) }, (_, request) =>
    Array.from({ length: Math.min(perRequest, events - request * perRequest) }, (_, index) => ({
      id: randomUUID(),
      metric: METRIC,
      entity: pick(request * perRequest + index),
    })),
  );
}

/** Events by `metric#entity`. */
function sumsOf(events: readonly BenchEvent[]): Map<string, number> {
  const byCounter = Map.groupBy(events, ({ metric, entity }) => `${metric}#${entity}`);
  return new Map([...byCounter].map(([counter, some]) => [counter, some.length]));
}

function picker(entities: Entities): (index: number) => string {
  if (entities === 'one') return () => '/page/only';
  const run = randomUUID();
  if (entities === 'each') return (index) => `/page/${run}/${index}`;
  const rank = zipf(entities, 1, Math.random);
  return () => `/page/${rank()}`;
}
