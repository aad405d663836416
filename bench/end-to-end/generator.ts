// The load generator: a process of its own, so that it shares no event loop with what it measures.
import { Agent } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { answerCalls } from './child.ts';
import { ProbeReader } from './probe-reader.ts';
import { call, createSender, type Send, type Target } from './sending.ts';
import { addCounts, type BenchEvent, type Mode, makeRequests, probeOf, type Workload } from './workload.ts';

/** What to send, where to, and how fast. */
export interface LoadJob {
  readonly target: Target;
  readonly mode: Mode;
  readonly workload: Workload;
  readonly connections: number;
  /** Open loop: requests leave when it is their time, answered or not. Without: each connection sends as soon as it is answered. */
  readonly eventsPerSecond?: number;
  /** Every so manieth request is sent a second time after its answer, as a client does that did not get it. */
  readonly againEvery?: number;
  /** False ends the job when all events are taken: a system that is killed may never count them all. */
  readonly untilCounted?: boolean;
}

/** What came of it. Times are milliseconds. */
export interface LoadResult {
  /** From each request's time to leave until it was taken, in the order of that. */
  readonly latenciesMs: readonly number[];
  /** For each probe, from the answer of its request until its count was read. */
  readonly freshnessMs: readonly number[];
  /** Answers other than 202, and broken connections: why; such requests are sent again until they are taken. */
  readonly refusals: readonly string[];
  /** Events that were sent a second time on purpose. */
  readonly sentAgain: number;
  /** From the first request until the last was taken, and until all events were counted. */
  readonly takenMs: number;
  readonly countedMs: number;
  /** Processor time of this process. */
  readonly cpuMs: number;
  /** What the events come to, by `metric#entity`. */
  readonly sums: ReadonlyMap<string, number>;
}

/** What the generator answers. */
export interface GeneratorCalls extends Record<string, (argument: never) => unknown> {
  run(job: LoadJob): Promise<LoadResult>;
  /** Events taken so far of the job that runs. */
  taken(): number;
}

/** Answering takes Tally some processor time, too: not oftener than the figures need. */
const STATUS_POLL_MS = 200;
const AGAIN_MS = 20;
/** Nothing here takes as long. */
const PATIENCE_MS = 120_000;

let taken = 0;

answerCalls({ run, taken: () => taken } satisfies GeneratorCalls);

async function run(job: LoadJob): Promise<LoadResult> {
  const { target, mode, workload } = job;
  taken = 0;
  const sender = createSender(target, mode, job.connections);
  const readAgent = new Agent({ keepAlive: true, maxSockets: 4 });
  const reader = new ProbeReader(readAgent, target.url, workload.probesFromMs);
  const requests = makeRequests(workload).map((events) => ({ events, send: sender.prepare(events) }));
  const sums = new Map<string, number>();
  for (const { events } of requests) addCounts(sums, events);

  const latenciesMs: number[] = [];
  const refusals: string[] = [];
  let sentAgain = 0;
  const untilTaken = async (send: Send) => {
    for (;;) {
      const reason = await send().catch(String);
      if (reason === undefined) return;
      refusals.push(reason);
      await delay(AGAIN_MS);
    }
  };
  const deliver = async (
    index: number,
    { events, send }: { events: readonly BenchEvent[]; send: Send },
    dueMs: number,
  ) => {
    await untilTaken(send);
    const now = performance.now();
    latenciesMs.push(now - dueMs);
    taken += events.length;
    for (const event of events) {
      const probe = probeOf(event, workload.probesFromMs);
      if (probe !== undefined) reader.taken(probe, now);
    }
    if (job.againEvery !== undefined && index % job.againEvery === 0) {
      await untilTaken(send);
      sentAgain += events.length;
    }
  };

  try {
    const before = await counted(readAgent, target.url);
    const cpu = process.cpuUsage();
    const startMs = performance.now();
    const reading = reader.start();
    if (job.eventsPerSecond === undefined) await closedLoop(requests, job.connections, deliver);
    else await openLoop(requests, (mode.perRequest / job.eventsPerSecond) * 1_000, deliver);
    const takenMs = performance.now() - startMs;
    reader.allAreTaken();
    await reading;
    // A system that counts what is sent again has more than that.
    while (job.untilCounted !== false && (await counted(readAgent, target.url)) < before + workload.events) {
      if (performance.now() - startMs > PATIENCE_MS)
        throw new Error(`not all of ${workload.events} events were counted in time`);
      await delay(STATUS_POLL_MS);
    }
    const countedMs = performance.now() - startMs;
    const { user, system } = process.cpuUsage(cpu);
    const cpuMs = (user + system) / 1_000;
    return {
      latenciesMs,
      freshnessMs: reader.freshnessMs,
      refusals,
      sentAgain,
      takenMs,
      countedMs,
      cpuMs,
      sums,
    };
  } finally {
    sender.close();
    readAgent.destroy();
  }
}

type Deliver<Request> = (index: number, request: Request, dueMs: number) => Promise<void>;

async function closedLoop<Request>(
  requests: readonly Request[],
  connections: number,
  deliver: Deliver<Request>,
) {
  const queue = requests.entries();
  const work = async () => {
    for (const [index, request] of queue) await deliver(index, request, performance.now());
  };
  await Promise.all(Array.from({ length: connections }, work));
}

async function openLoop<Request>(requests: readonly Request[], everyMs: number, deliver: Deliver<Request>) {
  const startMs = performance.now();
  const under: Promise<void>[] = [];
  for (const [index, request] of requests.entries()) {
    const dueMs = startMs + index * everyMs;
    const waitMs = dueMs - performance.now();
    if (waitMs > 1) await delay(waitMs);
    under.push(deliver(index, request, dueMs));
  }
  await Promise.all(under);
}

/** How many events the system has counted since it was made. */
async function counted(agent: Agent, url: string): Promise<number> {
  const { status, text } = await call(agent, url, 'GET', '/v1/status?hours=0');
  if (status !== 200) throw new Error(`GET /v1/status answered ${status}: ${text}`);
  return (JSON.parse(text) as { counted: number }).counted;
}
