// The simulation's output: faults first, then the verdict, and how to replay it.
import { describeFault } from '../plan/faults.ts';
import type { HistoryPlan, Omitted } from '../plan/history-plan.ts';
import type { Verdict } from '../run-history.ts';
import type { Tally } from './batch.ts';

/** The settings and faults of a history, each fault with its place in the seed's list. */
export function describePlan({ seed, settings, puts, faults, omitted }: HistoryPlan): string {
  const { startMs, sequenceBase: _base, ...rest } = settings;
  const shown = Object.entries(rest).map(([name, value]) => `${name}=${JSON.stringify(value)}`);
  const places = Array.from({ length: faults.length + omitted.faults.size }, (_, place) => place).filter(
    (place) => !omitted.faults.has(place),
  );
  return [
    `seed ${seed}: ${puts.length} records, ${faults.length} faults, from ${new Date(startMs).toISOString()}`,
    `  ${shown.join(' ')}`,
    ...faults.map((fault, at) => `  fault ${places[at]}: ${describeFault(fault, startMs)}`),
  ].join('\n');
}

/** The records of a shrunk history. */
export function describeRecords({ puts, settings }: HistoryPlan): string {
  return puts
    .map(({ atMs, partitionKey, data }) => {
      const text = Buffer.from(data).toString('latin1');
      return `  +${((atMs - settings.startMs) / 1000).toFixed(1)}s record ${partitionKey}: ${text}`;
    })
    .join('\n');
}

/** The result of one history. */
export function describeVerdict(verdict: Verdict): string {
  const { violation, traceHash, steps, events } = verdict;
  const outcome =
    violation === undefined ? 'all promises kept' : `BROKEN: ${violation.promise}\n  ${violation.message}`;
  return `${outcome}\n${events} events, ${steps} steps, trace ${traceHash}`;
}

/** The command that runs a history again. */
export function replayCommand(seed: number, { faults, puts }: Omitted): string {
  const list = (name: string, places: ReadonlySet<number>) =>
    places.size === 0 ? '' : ` --without-${name} ${[...places].sort((a, b) => a - b).join(',')}`;
  return `node proof/simulation/main.ts --seed ${seed}${list('faults', faults)}${list('records', puts)} --trace`;
}

/** A campaign in a few lines. */
export function describeTally({ histories, steps, events, struck, crossed }: Tally, seconds: number): string {
  const faults = [...struck].sort(([, a], [, b]) => b - a);
  const limits = [...crossed].sort(([, a], [, b]) => b - a);
  const total = faults.reduce((sum, [, times]) => sum + times, 0);
  return [
    `${histories} histories, ${events} events, ${steps} steps in ${seconds.toFixed(1)} s (${(histories / seconds).toFixed(0)}/s)`,
    `${total} faults struck: ${faults.map(([kind, times]) => `${kind} ${times}`).join(', ')}`,
    `limits crossed: ${limits.map(([name, times]) => `${name} ${times}`).join(', ')}`,
  ].join('\n');
}
