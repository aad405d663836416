// A load and the settings of a stage put together: everything that follows from them.
import type { Configuration } from '../lib/configuration.ts';
import { assumed } from './assumptions.ts';
import { type Counters, countersOf } from './counters.ts';
import { type Ledger, ledgerOf } from './ledger.ts';
import { type Levels, levelsOf } from './levels.ts';
import { type Segments, segmentsOf } from './segments.ts';
import type { Rank, Workload } from './workload.ts';

/** All parts at one rate of events. */
export interface Flows {
  readonly eventsPerSecond: number;
  readonly segments: Segments;
  readonly counters: Counters;
  readonly ledger: Ledger;
  readonly levels: Levels;
}

/** A load on a stage. */
export interface Model {
  readonly workload: Workload;
  readonly configuration: Configuration;
  /** What is paid for. */
  readonly mean: Flows;
  /** What there must be room for. */
  readonly peak: Flows;
  /** How long an event waits at most until it can be read, when nothing fails; seconds. */
  readonly freshnessSeconds: number;
}

/** Works out all that follows from a load and a configuration. @param ranks `ranksOf` the load */
export function modelOf(workload: Workload, ranks: readonly Rank[], configuration: Configuration): Model {
  const mean = flowsOf(workload, ranks, configuration, workload.eventsPerSecond);
  const peak = flowsOf(workload, ranks, configuration, workload.eventsPerSecond * workload.peakFactor);
  const waits = [mean, peak].map(({ segments, counters }) => {
    const looks = 2 * assumed('pollSeconds');
    return (
      segments.gatherSeconds +
      segments.secondsEach +
      looks +
      configuration.writerWindowSeconds +
      counters.secondsEach
    );
  });
  return { workload, configuration, mean, peak, freshnessSeconds: Math.max(...waits) };
}

function flowsOf(w: Workload, ranks: readonly Rank[], c: Configuration, eventsPerSecond: number): Flows {
  const segments = segmentsOf(w, ranks, c, eventsPerSecond);
  const counters = countersOf(w, ranks, segments, c, eventsPerSecond);
  const ledger = ledgerOf(w, segments, c.streamShards);
  const levels = levelsOf(w, ranks, segments, ledger, c, eventsPerSecond);
  return { eventsPerSecond, segments, counters, ledger, levels };
}
