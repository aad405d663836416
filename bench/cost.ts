// What does exactness cost? Write units, calls, requests and dollars of Tally and of what people would use instead, on the same events.
import { loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import { PRICE_LIST } from '../plan/prices.ts';
import type { MatrixAnswer, MatrixQuestion } from './cost/matrix.ts';
import { proven } from './cost/proof.ts';
import {
  costTable,
  dollarsTable,
  method,
  planTable,
  proofTable,
  targets,
  usageTable,
  wholeTable,
} from './cost/report.ts';
import { DATA_FOLDER, logOf, WORKLOADS } from './cost/workloads.ts';

const { values } = parseArgs({
  options: {
    data: { type: 'string', default: DATA_FOLDER },
    /** Of the usual sizes. */
    scale: { type: 'string', default: '1' },
    /** Events with which memory and emulator are compared. */
    proof: { type: 'string', default: '3000' },
    workloads: { type: 'string', default: WORKLOADS.join(',') },
  },
});
const scale = Number(values.scale);
const wanted = WORKLOADS.filter((name) => values.workloads.split(',').includes(name));
const say = (text: string) => process.stdout.write(`${text}\n`);

/** Asks a thread for a workload's figures. */
function matrix(question: MatrixQuestion): Promise<MatrixAnswer | undefined> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL('./cost/matrix.ts', import.meta.url), { workerData: question });
    worker.once('message', resolve);
    worker.once('error', reject);
    // After its answer, this changes nothing any more.
    worker.once('exit', (code) => reject(new Error(`the thread of ${question.workload} ended with ${code}`)));
  });
}

const startMs = performance.now();
say(method(PRICE_LIST));
const answers = await Promise.all(wanted.map((workload) => matrix({ workload, folder: values.data, scale })));
for (const [index, answer] of answers.entries()) {
  if (answer === undefined) say(`\n${wanted[index]} is not on this machine (${values.data}): left out.`);
}
const there = answers.filter((answer) => answer !== undefined);
const cells = there.flatMap((answer) => answer.cells);
say(`\n${costTable(cells)}`);
say(`\n${dollarsTable(cells)}`);
say(`\n${usageTable(cells)}`);
say(`\n${planTable(cells)}`);
const whole = there.flatMap((answer) => answer.whole);
if (whole.length > 0) {
  say(`\n${wholeTable(there)}`);
  say(`\n${targets(there)}`);
}
if (Number(values.proof) > 0) {
  const log = logOf('higgs', values.data, 0) ?? logOf('zipf', values.data, Number(values.proof));
  if (log === undefined) throw new Error('there is no log to compare with');
  say(
    `\n${proofTable(await proven({ log, events: Number(values.proof), perSecond: 1_000, repeatEvery: 50 }))}`,
  );
}
const seconds = Math.round((performance.now() - startMs) / 1000);
say(`\nAll counts equal the reference. ${seconds} s, load of the machine ${loadavg()[0]?.toFixed(1)}.`);
