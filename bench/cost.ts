// The cost of exactness: write units and dollars of Tally and of common alternatives, on the same events.
import { writeFileSync } from 'node:fs';
import { PRICE_LIST, PRICES, totalOf, usd } from '../plan/prices.ts';
import { short } from '../plan/report.ts';
import { sample } from '../plan/sample.ts';
import { USUAL_WORKLOAD, type Workload } from '../plan/workload.ts';
import { OTHERS, runOther } from './cost/others.ts';
import { type LogSource, logOf, REAL_LOGS, runLog } from './cost/real-logs.ts';

/** `sample`: events in each of the two samples of a synthetic load. */
type Options = { data: string; sample: number; workloads?: string; json?: string };
const { data, sample: sampleEvents, workloads, json }: Options = JSON.parse(process.argv[2] ?? '{}');

const LOADS: Readonly<Record<string, Workload>> = {
  'zipf, 1/minute': { ...USUAL_WORKLOAD, eventsPerSecond: 1 / 60, windowSeconds: 60 },
  'zipf, 10/s': { ...USUAL_WORKLOAD, eventsPerSecond: 10, windowSeconds: 10 },
  'zipf, 1,000/s': { ...USUAL_WORKLOAD, peakFactor: 1 },
  'zipf, 1,000/s, UUID names': { ...USUAL_WORKLOAD, peakFactor: 1, names: 'uuid' },
  'zipf, 1,000/s, batches of 100': { ...USUAL_WORKLOAD, peakFactor: 1, eventsPerRecord: 100 },
  'zipf, 100,000/s': { ...USUAL_WORKLOAD, eventsPerSecond: 100_000 },
};
const wanted = (name: string) => workloads === undefined || name.startsWith(workloads);
const names = [...Object.keys(REAL_LOGS), ...Object.keys(LOADS)];
if (!names.some(wanted)) {
  process.stderr.write(`There is no workload "${workloads}"; there are ${names.join('; ')}.\n`);
  process.exit(2);
}
const rows: object[] = [];

/** Adds and prints one line of the result. @param event units of one event @param parts its write units, by purpose */
function note(
  workload: string,
  eventsPerSecond: number,
  system: string,
  event: { writeUnits: number; readUnits: number; sqsRequests?: number; putUnits?: number },
  parts?: Readonly<Record<string, number>>,
): void {
  const { writeUnits, readUnits, sqsRequests = 0, putUnits = 0 } = event;
  const usdPerMillion =
    usd(PRICES.writeUnits, writeUnits * 1e6) +
    usd(PRICES.readUnits, readUnits * 1e6) +
    usd(PRICES.sqsRequests, sqsRequests * 1e6) +
    usd(PRICES.putPayloadUnits, putUnits * 1e6);
  rows.push({ workload, eventsPerSecond, system, writeUnitsPerEvent: writeUnits, usdPerMillion, parts });
  const shares = Object.entries(parts ?? {}).map(([purpose, units]) => `${purpose} ${short(units)}`);
  const cells = [workload, short(eventsPerSecond), system, short(writeUnits), short(usdPerMillion)];
  console.log(`| ${cells.join(' | ')} | ${shares.join(', ')} |`);
}

async function noteLog(name: string, source: LogSource): Promise<void> {
  const eventsPerSecond = 1_000;
  const log = logOf(name, source, data);
  if (log === undefined) return console.log(`${name} is not in ${data}: left out.`);
  for (const system of OTHERS) note(name, eventsPerSecond, system, await runOther(system, log));
  const { event, parts } = await runLog(log, eventsPerSecond);
  note(name, eventsPerSecond, 'Tally', event, parts);
}

async function noteLoad(name: string, workload: Workload): Promise<void> {
  const sampled = await sample(workload, sampleEvents);
  const { writeUnits: parts } = sampled;
  note(name, workload.eventsPerSecond, 'Tally', { ...sampled, writeUnits: totalOf(parts) }, parts);
}

console.log(
  `Method: the code that is deployed counts the events on an AWS in memory, which charges by DynamoDB's documented formula; nothing sleeps. Real logs are counted whole, and compared with their published truth; Zipf loads (exponent 1, a million entities) by a sample: one shard for segments, ids and deltas, one range of hashes over up to a day for blocks and top lists. Everything is included: deltas, late rows, blocks of all levels, top lists, ids, ledger. US dollars: DynamoDB's units, and for Tally SQS and Kinesis' payload units; ${PRICE_LIST.region}, ${PRICE_LIST.asOf}. Node ${process.version}.\n`,
);
console.log('| workload | events/s | system | write units an event | USD a million | of these |');
console.log('| --- | --- | --- | --- | --- | --- |');
for (const [name, source] of Object.entries(REAL_LOGS)) if (wanted(name)) await noteLog(name, source);
for (const [name, workload] of Object.entries(LOADS)) if (wanted(name)) await noteLoad(name, workload);
if (json !== undefined) writeFileSync(json, `${JSON.stringify(rows, undefined, 2)}\n`);
