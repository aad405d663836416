// End to end on one machine: events a second and freshness at rising load, against one UpdateItem an event and against Redis.
import { availableParallelism, loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { capacity, capacityTable, targetLine, threadsTable } from './end-to-end/capacity.ts';
import { Child } from './end-to-end/child.ts';
import { checkFaults, FAULT_MODE, faults, faultsTable } from './end-to-end/faults.ts';
import type { GeneratorCalls } from './end-to-end/generator.ts';
import { Bench } from './end-to-end/measure.ts';
import { PROBE_POLL_MS } from './end-to-end/probe-reader.ts';
import { findRedis, redisVersion } from './end-to-end/redis.ts';
import {
  COUNTED_LATE_MS,
  type Combination,
  PROBE_EVERY,
  risingLoad,
  risingTable,
  TAKEN_LATE_MS,
} from './end-to-end/rising-load.ts';
import { LABELS, type RunningSystem, startSystem, systemsHere } from './end-to-end/systems.ts';
import { MODES } from './end-to-end/workload.ts';

const { values } = parseArgs({
  options: {
    rates: { type: 'string', default: '1000,2000,4000,8000' },
    seconds: { type: 'string', default: '2' },
    rounds: { type: 'string', default: '3' },
    events: { type: 'string', default: '24000' },
    entities: { type: 'string', default: '1000' },
    connections: { type: 'string', default: '8' },
  },
});
const number = (name: Exclude<keyof typeof values, 'rates'>) => Number(values[name]);
const [seconds, rounds, events] = [number('seconds'), number('rounds'), number('events')];
const [entities, connections] = [number('entities'), number('connections')];
/** Enough to be in the middle of something when the process is killed. */
const faultEvents = Math.ceil(events / 6 / FAULT_MODE.perRequest) * FAULT_MODE.perRequest;
const rates = values.rates.split(',').map(Number);

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));
const [loadAtStart = Number.NaN] = loadavg();
const startMs = performance.now();
const redisProgram = findRedis();
const redis = redisProgram === undefined ? undefined : await redisVersion(redisProgram);
const generator = new Child<GeneratorCalls>(new URL('./end-to-end/generator.ts', import.meta.url));
const systems: RunningSystem[] = [];
try {
  for (const name of systemsHere()) systems.push(await startSystem(name));
  const all = systems.flatMap((system): Combination[] => [
    { system, mode: MODES.single },
    { system, mode: MODES.hundred },
    ...(system.name === 'tally' ? [{ system, mode: MODES.batch }] : []),
  ]);
  for (const system of systems) system.hold();
  const bench = new Bench(generator);
  const cases = await capacity(bench, all, { rounds, events, entities, connections });
  const steps = await risingLoad(bench, all, { rates, seconds, entities, connections: 64 });
  const checks: string[] = [];
  for (const system of systems) checks.push(`${LABELS[system.name]}: ${await bench.check(system)}.`);
  while (systems.length > 0) await systems.pop()?.stop();
  const outcomes = await faults(generator, faultEvents, connections);

  console.log(`Method: Tally is the local stack of \`npm start\`, in memory. The others are a plain Node HTTP server each, with the same routes and bodies: it answers 202 when
every event has been counted by an UpdateItem of its own (ADD, no condition; the SDK's client as Tally's functions have it; the emulator in a thread, as the local stack has it), or by an INCRBY of its own
(one pipeline a request; ${redis === undefined ? 'left out: there is no redis-server on PATH' : `${redis}, append-only file with appendfsync everysec beside the snapshots it makes by default`}). Each system has its own processes, and stands still (SIGSTOP) while another is measured;
the load generator has one, too. Events have ids of their own (UUID), ${entities} entities by Zipf's law with exponent 1 unless said otherwise. "As a batch": under a key,
without ids, as the client sends them.
Node ${process.version}, ${availableParallelism()} cores with a load of ${loadAtStart.toFixed(1)} before this, ${new Date().toISOString().slice(0, 10)}; it took ${((performance.now() - startMs) / 1_000).toFixed(0)} s.

As fast as it goes: ${connections} connections send as fast as they are answered, ${events} events to Tally, a third of it to systems that count before they answer and to Tally where each event is
of an entity of its own (rates do not depend on it), an eighth one a request; "taken" is until the last 202, "counted" until GET /v1/status has them all. ${rounds} interleaved
rounds after one to warm up; medians, with the least and the most. µs: processor time an event.

${capacityTable(cases)}

${targetLine(cases)}

Processor time of Tally's threads, the same rounds (emulators: dynamodb, kinesis, sqs-and-s3; query is mostly what asks for the status):

${threadsTable(cases)}

Rising load: requests leave when it is their time, whether or not others are answered (up to 64 connections), ${seconds} s a step, one step after the other for all systems. Milliseconds; 202 since the time to leave,
"readable" from then until GET /v1/counts gives it. Every ${PROBE_EVERY}th event is a probe: its amount is a bit of its own in a minute of an old hour, so that each reading, every ${PROBE_POLL_MS} ms, tells exactly which ones are counted. Kept up: nothing refused, the last request taken
${TAKEN_LATE_MS / 1_000} s after the step's end at most, and everything counted ${COUNTED_LATE_MS / 1_000} s after it at most; what did not is not loaded further. cores: processor time by time, until all was counted.

${risingTable(steps, all)}

Counts, counter by counter, of all of the above. ${checks.join(' ')}

Sent again, and killed: ${faultEvents} events, ${FAULT_MODE.name}, ${connections} connections; systems of their own that keep their data in files.

${faultsTable(outcomes)}
`);
  checkFaults(outcomes);
} finally {
  while (systems.length > 0) await systems.pop()?.stop();
  await generator.kill();
}
