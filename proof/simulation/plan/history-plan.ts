// A history as its seed determines it: settings, records, faults; and the same with some omitted.
import { Random } from '../random.ts';
import { drawFaults, type Fault } from './faults.ts';
import { drawSettings, type Settings } from './settings.ts';
import { drawWorkload, type Put } from './workload.ts';

/** Everything determined about a history before it starts. */
export interface HistoryPlan {
  readonly seed: number;
  readonly settings: Settings;
  readonly puts: readonly Put[];
  readonly faults: readonly Fault[];
  /** What was omitted, by index in the seed's full lists. */
  readonly omitted: Omitted;
}

/** Indexes of records and faults that a history omits. */
export interface Omitted {
  readonly puts: ReadonlySet<number>;
  readonly faults: ReadonlySet<number>;
}

/** Omits nothing. */
export const NOTHING_OMITTED: Omitted = { puts: new Set(), faults: new Set() };

/** Draws the history of a seed. */
export function planHistory(seed: number, omitted: Omitted = NOTHING_OMITTED): HistoryPlan {
  const random = new Random(`tally/${seed}`);
  const drawn = drawSettings(random.fork('settings'), seed);
  const faults = drawFaults(random.fork('faults'), drawn);
  const rollups = [drawn.rollup, ...faults.flatMap((one) => (one.kind === 'deploy' ? [one.rollup] : []))];
  const settings = {
    ...drawn,
    dedupWindowLeastMs: Math.min(...rollups.map(({ dedupWindowMs }) => dedupWindowMs)),
    acceptPastsMs: rollups.map(({ acceptPastMs }) => acceptPastMs),
  };
  return {
    seed,
    settings,
    puts: drawWorkload(random.fork('workload'), settings).filter((_, place) => !omitted.puts.has(place)),
    faults: faults.filter((_, place) => !omitted.faults.has(place)),
    omitted,
  };
}
