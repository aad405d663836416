// Plays the drill's scenarios one after the other, on one local stack.
import { synthesize } from '../../local/synthesize.ts';
import { startDrill } from './drill.ts';
import { playScenario } from './play.ts';
import { SCENARIOS } from './scenarios.ts';

/** Plays scenarios and prints what happens. @returns 0 when every expected alarm went off, no other one, and all counts are right */
export async function playDrill(names?: readonly string[]): Promise<number> {
  const started = performance.now();
  // The batching window would only make each minute of the drill a second longer.
  const drill = await startDrill(await synthesize(undefined, { aggregatorWindowSeconds: 0 }));
  const verdicts: Awaited<ReturnType<typeof playScenario>>[] = [];
  try {
    for (const scenario of SCENARIOS) {
      if (names?.includes(scenario.name) !== false) verdicts.push(await playScenario(scenario, drill));
    }
  } finally {
    await drill.stop();
  }
  const seconds = Math.round((performance.now() - started) / 1_000);
  console.log(`\n## All in all (${seconds} s)\n`);
  for (const { name, fired, failures } of verdicts) {
    const verdict = failures.length === 0 ? 'ok   ' : 'WRONG';
    console.log(`${verdict}  ${name}: ${fired.join(', ') || 'no alarm'}`);
  }
  return verdicts.every(({ failures }) => failures.length === 0) ? 0 : 1;
}
