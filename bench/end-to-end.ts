// End to end on one machine: how many events a second go in over HTTP and come out counted in DynamoDB.
import { randomUUID } from 'node:crypto';
import { Agent, request } from 'node:http';
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { startLocalStack } from '../local/stack.ts';

const { values } = parseArgs({
  options: {
    events: { type: 'string', default: '50000' },
    'per-request': { type: 'string', default: '250' },
    connections: { type: 'string', default: '4' },
    entities: { type: 'string', default: '1000' },
    rounds: { type: 'string', default: '3' },
  },
});
const [events, perRequest, connections, entities, rounds] = [
  values.events,
  values['per-request'],
  values.connections,
  values.entities,
  values.rounds,
].map(Number) as [number, number, number, number, number];

console.log(`Method: the local stack of \`npm start\` in memory, and this load generator, in one process group on ${availableParallelism()} cores,
Node ${process.version}. ${connections} kept connections post ${events} events of ${entities} entities (cubed uniform), ${perRequest} a request, one event a
record, each with an id of its own. "taken" is until the last 202, "counted" until GET /v1/status has them all. ${rounds} rounds on one stack.`);

const stack = await startLocalStack({});
const agent = new Agent({ keepAlive: true, maxSockets: connections });
try {
  const rates: number[] = [];
  for (let round = 1; round <= rounds; round += 1) rates.push(await measure(round));
  rates.sort((a, b) => a - b);
  const median = rates[rates.length >> 1] ?? 0;
  console.log(
    `median ${median.toFixed(0)} events/s counted, from ${rates[0]?.toFixed(0)} to ${rates.at(-1)?.toFixed(0)}`,
  );
} finally {
  agent.destroy();
  await stack.stop();
}

/** One round. @returns events counted a second */
async function measure(round: number): Promise<number> {
  const before = await counted();
  const bodies = Array.from({ length: Math.ceil(events / perRequest) }, body);
  const latenciesMs: number[] = [];
  const startMs = performance.now();
  await Promise.all(
    Array.from({ length: connections }, async () => {
      for (let next = bodies.pop(); next !== undefined; next = bodies.pop()) {
        const sentMs = performance.now();
        while ((await post(next)) !== 202);
        latenciesMs.push(performance.now() - sentMs);
      }
    }),
  );
  const takenMs = performance.now() - startMs;
  while ((await counted()) - before < events);
  const countedMs = performance.now() - startMs;
  latenciesMs.sort((a, b) => a - b);
  const at = (share: number) => latenciesMs[Math.floor(latenciesMs.length * share)]?.toFixed(0);
  const perSecond = (ms: number) => ((events / ms) * 1000).toFixed(0);
  console.log(
    `round ${round}: ${perSecond(takenMs)} events/s taken, ${perSecond(countedMs)} counted; a request p50 ${at(0.5)} ms, p99 ${at(0.99)} ms`,
  );
  return (events / countedMs) * 1000;
}

function body(): string {
  const made = Array.from({ length: perRequest }, () => ({
    id: randomUUID(),
    metric: 'view',
    entity: `/page/${Math.floor(entities * Math.random() ** 3)}`,
  }));
  return JSON.stringify({ events: made });
}

async function counted(): Promise<number> {
  return (await stack.status()).counted;
}

function post(text: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) };
    const outgoing = request(`${stack.url}/v1/events`, { agent, method: 'POST', headers }, (incoming) => {
      incoming.resume();
      incoming.on('end', () => resolve(incoming.statusCode ?? 0));
    });
    outgoing.on('error', reject);
    outgoing.end(text);
  });
}
