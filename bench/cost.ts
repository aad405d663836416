// The cost of exactness: write units and dollars of Tally and of common alternatives, on the same events.
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { PRICE_LIST, PRICES, usd } from '../plan/prices.ts';
import { short } from '../plan/report.ts';
import { sample, writeUnitsOf } from '../plan/sample.ts';
import { USUAL_WORKLOAD, type Workload } from '../plan/workload.ts';
import { OTHERS, runOther } from './cost/others.ts';
import { DATA_FOLDER, logOf, REAL_LOGS, type RealLog } from './cost/real-logs.ts';
import { runLog } from './cost/tally.ts';

/** One line of the result. */
interface Row {
  readonly workload: string;
  readonly eventsPerSecond: number;
  readonly system: string;
  readonly writeUnitsPerEvent: number;
  readonly usdPerMillion: number;
  /** Write units per event, by purpose. */
  readonly parts?: Readonly<Record<string, number>>;
}

const { values } = parseArgs({
  options: {
    data: { type: 'string', default: DATA_FOLDER },
    /** Events in each of the two samples of a synthetic load. */
    sample: { type: 'string', default: '400000' },
    json: { type: 'string' },
    workloads: { type: 'string' },
  },
});

const LOADS: Readonly<Record<string, Workload>> = {
  'zipf, 1/minute': { ...USUAL_WORKLOAD, eventsPerSecond: 1 / 60, windowSeconds: 60 },
  'zipf, 10/s': { ...USUAL_WORKLOAD, eventsPerSecond: 10, windowSeconds: 10 },
  'zipf, 1,000/s': { ...USUAL_WORKLOAD, peakFactor: 1 },
  'zipf, 1,000/s, UUID names': { ...USUAL_WORKLOAD, peakFactor: 1, names: 'uuid' },
  'zipf, 1,000/s, batches of 100': { ...USUAL_WORKLOAD, peakFactor: 1, eventsPerRecord: 100 },
  'zipf, 100,000/s': { ...USUAL_WORKLOAD, eventsPerSecond: 100_000 },
};
const { workloads } = values;
const wanted = (name: string) => workloads === undefined || name.startsWith(workloads);
const names = [...Object.keys(REAL_LOGS), ...Object.keys(LOADS)];
if (!names.some(wanted)) {
  process.stderr.write(`There is no workload "${workloads}"; there are ${names.join('; ')}.\n`);
  process.exit(2);
}
const say = (text: string) => process.stdout.write(`${text}\n`);
const rows: Row[] = [];

function note(row: Row): void {
  rows.push(row);
  const parts = Object.entries(row.parts ?? {}).map(([purpose, units]) => `${purpose} ${short(units)}`);
  say(
    `| ${row.workload} | ${short(row.eventsPerSecond)} | ${row.system} | ${short(row.writeUnitsPerEvent)} | ${short(row.usdPerMillion)} | ${parts.join(', ')} |`,
  );
}

async function noteLog(name: RealLog, eventsPerSecond: number): Promise<void> {
  const log = logOf(name, values.data);
  if (log === undefined) {
    say(`${name} is not in ${values.data}: left out.`);
    return;
  }
  for (const system of OTHERS) {
    const { writeUnits, readUnits } = await runOther(system, log);
    const usdPerMillion = usd(PRICES.writeUnits, writeUnits * 1e6) + usd(PRICES.readUnits, readUnits * 1e6);
    note({ workload: name, eventsPerSecond, system, writeUnitsPerEvent: writeUnits, usdPerMillion });
  }
  const { meter, events } = await runLog(log, eventsPerSecond);
  note({
    workload: name,
    eventsPerSecond,
    system: 'Tally',
    writeUnitsPerEvent: meter.total().writeUnits / events,
    usdPerMillion: (meter.usd * 1e6) / events,
    parts: Object.fromEntries(
      [...meter.units].map(([purpose, { writeUnits }]) => [purpose, writeUnits / events]),
    ),
  });
}

async function noteLoad(name: string, workload: Workload): Promise<void> {
  const sampled = await sample(workload, Number(values.sample));
  const writeUnitsPerEvent = writeUnitsOf(sampled);
  const usdPerMillion =
    usd(PRICES.writeUnits, writeUnitsPerEvent * 1e6) +
    usd(PRICES.readUnits, sampled.readUnits * 1e6) +
    usd(PRICES.sqsRequests, sampled.sqsRequests * 1e6) +
    usd(PRICES.putPayloadUnits, sampled.putUnits * 1e6);
  const { eventsPerSecond } = workload;
  const parts = sampled.writeUnits;
  note({ workload: name, eventsPerSecond, system: 'Tally', writeUnitsPerEvent, usdPerMillion, parts });
}

say(
  `Method: the code that is deployed counts the events on an AWS in memory, which charges by DynamoDB's documented formula; nothing sleeps. Real logs are counted whole, and compared with their published truth; Zipf loads (exponent 1, a million entities) by a sample: one shard for segments, ids and deltas, one range of hashes over up to a day for blocks and top lists. Everything is included: deltas, late rows, blocks of all levels, top lists, ids, ledger. US dollars: DynamoDB's units, and for Tally SQS and Kinesis' payload units; ${PRICE_LIST.region}, ${PRICE_LIST.asOf}. Node ${process.version}.\n`,
);
say('| workload | events/s | system | write units an event | USD a million | of these |');
say('| --- | --- | --- | --- | --- | --- |');
for (const name of Object.keys(REAL_LOGS) as RealLog[]) if (wanted(name)) await noteLog(name, 1_000);
for (const [name, workload] of Object.entries(LOADS)) if (wanted(name)) await noteLoad(name, workload);
if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(rows, undefined, 2)}\n`);
