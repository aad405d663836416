// What the plan's formulas say about a run: to be held against what the run did.
import { sqsRequestsPerSecond } from '../../plan/bill.ts';
import { countersOf } from '../../plan/counters.ts';
import { ledgerOf } from '../../plan/ledger.ts';
import { levelsOf } from '../../plan/levels.ts';
import { segmentsOf } from '../../plan/segments.ts';
import { USUAL_WORKLOAD, type Workload } from '../../plan/workload.ts';
import type { Meter } from './meter.ts';
import type { TallyRun } from './tally.ts';
import { type Load, ranksIn } from './workloads.ts';

/** Figures for one event. */
export interface EachEvent {
  readonly eventsASegment: number;
  readonly counterUnits: number;
  readonly idUnits: number;
  /** HEAD, SEG, KEYS, acknowledgements. */
  readonly ledgerUnits: number;
  readonly sqsRequests: number;
  /** Reading windows of ids that other containers have seen meanwhile, or that are too large to be held. */
  readonly windowReadUnits: number;
  /** Days, months and totals, which no run makes: write units and read units. */
  readonly levelUnits: number;
  readonly levelReadUnits: number;
}

/** How many records a run's events are in, and their bytes. */
export type Sizes = Pick<Meter, 'putUnits' | 'dataBytes'>;

/** The load as the plan describes loads. */
function workloadOf(load: Load, { putUnits, dataBytes }: Sizes): Workload {
  const { log, events, perSecond } = load;
  let entityBytes = 0;
  for (const entity of log.events.subarray(0, events)) entityBytes += log.entities[entity]?.length ?? 0;
  return {
    ...USUAL_WORKLOAD,
    eventsPerSecond: perSecond,
    peakFactor: 1,
    eventsPerRecord: events / putUnits,
    eventBytes: dataBytes / events,
    entityBytes: entityBytes / events,
    metricBytes: log.metric.length,
  };
}

/** The plan for a run. */
export function plannedFor({ load, configuration: c }: TallyRun, sizes: Sizes): EachEvent {
  const w = workloadOf(load, sizes);
  const ranks = ranksIn(load);
  const rate = load.perSecond;
  const segments = segmentsOf(w, ranks, c, rate);
  const counters = countersOf(w, ranks, segments, c, rate);
  const ledger = ledgerOf(w, segments, c.streamShards);
  const levels = levelsOf(w, ranks, segments, ledger, c, rate);
  const { writeUnits, idWriteUnits } = ledger.segment;
  return {
    eventsASegment: segments.eventsEach,
    counterUnits: counters.writeUnitsPerSecond / rate,
    idUnits: ledger.idWriteUnitsPerSecond / rate,
    ledgerUnits: (segments.perSecond * (writeUnits - idWriteUnits)) / rate,
    windowReadUnits: ledger.windowReadUnitsPerSecond / rate,
    sqsRequests: sqsRequestsPerSecond({ segments, counters }) / rate,
    levelUnits: levels.writeUnitsPerSecond / rate,
    levelReadUnits: levels.readUnitsPerSecond / rate,
  };
}

/** The same of what was measured. */
export function measuredOf(
  load: Load,
  segments: number,
  meter: Meter,
): Omit<EachEvent, 'windowReadUnits' | 'levelUnits' | 'levelReadUnits'> {
  const { events } = load;
  const idUnits = meter.writeUnits('ledger IDS');
  return {
    eventsASegment: events / segments,
    counterUnits: meter.writeUnits('counters') / events,
    idUnits: idUnits / events,
    ledgerUnits: (meter.writeUnits('ledger') - idUnits) / events,
    sqsRequests: meter.sqsRequests / events,
  };
}
