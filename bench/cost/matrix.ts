// All rates and windows of one workload, in a thread of its own: what every system takes for a million events.
import { parentPort, workerData } from 'node:worker_threads';
import { QUEUE_POLLERS } from '../../plan/quotas.ts';
import { settingsFor } from './stream.ts';
import { type Figures, PACKED, runOther, runOurs, type TallyFigures, tallyRun } from './systems.ts';
import { type Load, type Log, logOf, type WORKLOADS } from './workloads.ts';
import { meteredWorld } from './worlds.ts';

/** Events a second, and seconds that batches are gathered. */
export const RATES = [10, 100, 1_000, 10_000] as const;
export const WINDOWS_SECONDS = [1, 10, 60] as const;

/** Events that a run has at the most; Zipf's log has as many. */
export const RUN_EVENTS_MAX = 600_000;
/** Runs in which nothing depends on rate or window. */
const SHORT_RUN_EVENTS = 10_000;

/** Markers fill memory: an item for every event. */
const MARKER_EVENTS_MAX = 200_000;

/** What a thread is asked. */
export interface MatrixQuestion {
  readonly workload: (typeof WORKLOADS)[number];
  readonly folder: string;
  /** Of the usual sizes: 1. */
  readonly scale: number;
}

/** One rate and window. */
export interface Cell {
  readonly workload: string;
  readonly perSecond: number;
  readonly windowSeconds: number;
  readonly events: number;
  readonly others: readonly Figures[];
  readonly tally: TallyFigures;
  readonly packed: TallyFigures;
}

/** What a thread answers. */
export interface MatrixAnswer {
  readonly cells: readonly Cell[];
  /** The whole log at 1,000 events/s with windows of 60 s, as many pollers as given; none for what is made up. */
  readonly whole: readonly { readonly pollers: number; readonly figures: TallyFigures }[];
}

/** At least four windows, or what there is, and a whole minute where items grow by many segments. */
function eventsFor(log: Log, perSecond: number, windowSeconds: number, scale: number): number {
  const wanted =
    perSecond === 10_000 ? RUN_EVENTS_MAX : Math.max(10_000, perSecond * Math.max(20, 4 * windowSeconds));
  return Math.max(200, Math.floor(Math.min(wanted, log.events.length) * scale));
}

const short = async (system: 'update' | 'idempotent' | 'transaction', log: Log, scale: number) => {
  const load = { log, events: Math.ceil(SHORT_RUN_EVENTS * scale), perSecond: 1_000, repeatEvery: 0 };
  return runOther(meteredWorld(), system, load, settingsFor(1));
};

async function cellsOf(log: Log, scale: number): Promise<Cell[]> {
  const same = [
    await short('update', log, scale),
    await short('idempotent', log, scale),
    await short('transaction', log, scale),
  ];
  const cells: Cell[] = [];
  for (const perSecond of RATES) {
    for (const windowSeconds of WINDOWS_SECONDS) {
      const load: Load = {
        log,
        events: eventsFor(log, perSecond, windowSeconds, scale),
        perSecond,
        repeatEvery: 0,
      };
      const single = tallyRun(load, windowSeconds, 1);
      const tally = await runOurs(meteredWorld(), single);
      const packed = await runOurs(meteredWorld(), tallyRun(load, windowSeconds, PACKED));
      const fewer = { ...load, events: Math.min(load.events, MARKER_EVENTS_MAX) };
      const markers = await runOther(meteredWorld(), 'markers', fewer, single.configuration);
      const { events } = load;
      cells.push({
        workload: log.name,
        perSecond,
        windowSeconds,
        events,
        others: [...same, markers],
        tally,
        packed,
      });
    }
  }
  return cells;
}

async function wholeOf(log: Log, scale: number): Promise<MatrixAnswer['whole']> {
  if (log.truth === undefined) return [];
  const load: Load = { log, events: Math.floor(log.events.length * scale), perSecond: 1_000, repeatEvery: 0 };
  const whole = [];
  for (const perRecord of [1, PACKED]) {
    for (const pollers of log.name === 'higgs' && perRecord === 1 ? [QUEUE_POLLERS, 2, 1] : [QUEUE_POLLERS]) {
      const figures = await runOurs(meteredWorld(), { ...tallyRun(load, 60, perRecord), pollers });
      whole.push({ pollers, figures });
    }
  }
  return whole;
}

if (parentPort !== null) {
  const { workload, folder, scale } = workerData as MatrixQuestion;
  const log = logOf(workload, folder, Math.ceil(RUN_EVENTS_MAX * scale));
  const answer: MatrixAnswer | undefined = log && {
    cells: await cellsOf(log, scale),
    whole: await wholeOf(log, scale),
  };
  parentPort.postMessage(answer);
}
