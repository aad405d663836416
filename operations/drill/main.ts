// `npm run drill`: breaks the local stack in six ways and shows alarms, what the operator does, and that counts are right.
import { parseArgs } from 'node:util';
import { synthesize } from '../../local/synthesize.ts';
import { startDrill } from './drill.ts';
import { playScenario, type Verdict } from './play.ts';
import { SCENARIOS } from './scenarios/index.ts';

const USAGE = `npm run drill [-- --only NAME[,NAME]]

Plays on the local stack: ${SCENARIOS.map(({ name }) => name).join(', ')}.
A minute of the drill takes about a second: when everything that can be handled is handled, the clock of functions and
services is put forward to the next minute. Alarms are those of the synthesized template, over the metrics that functions
print and services publish. Exit code 0: every expected alarm went off, no other one, and all counts equal what was sent.`;

async function main(): Promise<number> {
  const { values } = parseArgs({ options: { only: { type: 'string' }, help: { type: 'boolean' } } });
  if (values.help) {
    console.log(USAGE);
    return 0;
  }
  const names = values.only?.split(',');
  const unknown = names?.find((name) => !SCENARIOS.some((scenario) => scenario.name === name));
  if (unknown !== undefined) {
    console.error(`There is no scenario ${unknown}.\n\n${USAGE}`);
    return 2;
  }
  const started = performance.now();
  // The window would only make each minute of the drill a second longer.
  const drill = await startDrill(await synthesize(undefined, { aggregatorWindowSeconds: 0 }));
  const verdicts: Verdict[] = [];
  try {
    for (const scenario of SCENARIOS) {
      if (names?.includes(scenario.name) === false) continue;
      verdicts.push(await playScenario(scenario, drill, console.log));
    }
  } finally {
    await drill.stop();
  }
  const seconds = Math.round((performance.now() - started) / 1_000);
  console.log(`\n## All in all (${seconds} s)\n`);
  for (const { scenario, fired, failures } of verdicts) {
    console.log(
      `${failures.length === 0 ? 'ok   ' : 'WRONG'}  ${scenario.name}: ${fired.join(', ') || 'no alarm'}`,
    );
  }
  return verdicts.every(({ failures }) => failures.length === 0) ? 0 : 1;
}

// Lambda's time zone; threads take it from here.
process.env['TZ'] = 'UTC';
process.exitCode = await main();
