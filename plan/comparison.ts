// Several plans side by side, as the Markdown table of docs/plan.md.
import { billOf, MONTH_SECONDS, storedBytes, totalUsd } from './bill.ts';
import { type Choice, chooseSettings, NoSettings } from './choose.ts';
import { breaksFirst, limitsOf } from './limits.ts';
import { services, settingsArgument, short } from './report.ts';
import { USUAL_WORKLOAD, type Workload } from './workload.ts';

/** A column: a load and its name. */
export interface Column {
  readonly name: string;
  readonly workload: Workload;
}

const MILLION_COUNTERS: Workload = { ...USUAL_WORKLOAD, entities: 1_000_000 };

/** The loads of docs/plan.md. */
export const COMPARED: readonly Column[] = [
  { name: '10', workload: { ...MILLION_COUNTERS, eventsPerSecond: 10 } },
  { name: '1,000', workload: { ...MILLION_COUNTERS, eventsPerSecond: 1_000 } },
  { name: '100,000', workload: { ...MILLION_COUNTERS, eventsPerSecond: 100_000 } },
  {
    name: '100,000, half of one entity',
    workload: { ...MILLION_COUNTERS, eventsPerSecond: 100_000, hotShare: 0.5 },
  },
  {
    name: '1,000,000, in batches',
    workload: { ...MILLION_COUNTERS, eventsPerSecond: 1_000_000, eventsPerRecord: 500 },
  },
];

const GB = 1024 ** 3;

type Cell = (choice: Choice) => string;

const ROWS: readonly (readonly [name: string, cell: Cell])[] = [
  ['shards', ({ model }) => String(model.configuration.streamShards)],
  ['events a record', ({ model }) => String(model.workload.eventsPerRecord)],
  [
    'windows of aggregator and writer, s',
    ({ model: { configuration: c } }) => `${c.aggregatorWindowSeconds}, ${c.writerWindowSeconds}`,
  ],
  ['`bucketMinutes`', ({ model }) => String(model.configuration.bucketMinutes)],
  ['readable after at most, s', ({ model }) => short(model.freshnessSeconds)],
  ['events a segment', ({ model }) => short(model.mean.segments.eventsEach)],
  ['segments/s', ({ model }) => short(model.mean.segments.perSecond)],
  ['rollup messages/s', ({ model }) => short(model.mean.counters.messagesPerSecond)],
  ['messages a writer gets', ({ model }) => short(model.mean.counters.messagesEach)],
  ['updates an event', ({ model: { mean } }) => short(mean.counters.updatesPerSecond / mean.eventsPerSecond)],
  [
    'functions at once in the busiest minute: aggregators, writers',
    ({ model: { peak } }) => `${short(peak.segments.concurrency)}, ${short(peak.counters.concurrency)}`,
  ],
  ['write units/s: counting', ({ model }) => short(model.mean.counters.writeUnitsPerSecond)],
  ['write units/s: ledger', ({ model }) => short(model.mean.ledger.writeUnitsPerSecond)],
  ['write units/s: levels', ({ model }) => short(model.mean.levels.writeUnitsPerSecond)],
  [
    'levels: times a counter is recomputed where once would do',
    ({ model: { mean } }) => short(mean.levels.itemsAnHour / mean.levels.leastItemsAnHour),
  ],
  [
    'levels: passes over the segments of an hour and of a day, seconds of the compactor an hour',
    ({ model: { mean } }) =>
      [mean.levels.passesAnHour, mean.levels.passesADay, mean.levels.secondsAnHour].map(short).join(', '),
  ],
  ['read units/s: dedup windows', ({ model }) => short(model.mean.ledger.windowReadUnitsPerSecond)],
  ['read units/s: levels', ({ model }) => short(model.mean.levels.readUnitsPerSecond)],
  [
    'hottest counter item in the busiest minute: KB, write units/s, the same without coalescing',
    ({ model: { peak } }) =>
      [
        peak.counters.hottest.bytes / 1024,
        peak.counters.hottest.writeUnitsPerSecond,
        peak.counters.hottest.uncoalescedWriteUnitsPerSecond,
      ]
        .map(short)
        .join(', '),
  ],
  [
    'GB after a year: minutes, levels, ledger',
    ({ model }) => {
      const { counters, levels, ledger } = storedBytes(model);
      return [counters, levels, ledger].map((bytes) => short(bytes / GB)).join(', ');
    },
  ],
];

/** One line of Markdown. */
function line(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`;
}

/** What is fullest, and how full. */
function fullest({ model }: Choice): string {
  const first = breaksFirst(limitsOf(model));
  return first === undefined ? '—' : `${first.name}: ${short((100 * first.used) / first.limit)} %`;
}

/** A column with its plan, or why there is none. */
export interface Planned extends Column {
  readonly choice: Choice | NoSettings;
}

/** Plans every column. */
export function planned(columns: readonly Column[]): readonly Planned[] {
  return columns.map((column) => ({ ...column, choice: tried(column.workload) }));
}

/** Plans as a table, and their settings below it. */
export function comparison(columns: readonly Planned[]): string {
  const choices = columns.map(({ choice }) => choice);
  const cells = (cell: Cell) => choices.map((choice) => (choice instanceof NoSettings ? '—' : cell(choice)));
  const dollars = choices.map((choice) =>
    choice instanceof NoSettings ? new Map<string, number>() : new Map(services(billOf(choice.model))),
  );
  const names = [...new Set(dollars.flatMap((byService) => [...byService.keys()]))];
  const perMillion = ({ model }: Choice) =>
    short(totalUsd(billOf(model)) / ((model.workload.eventsPerSecond * MONTH_SECONDS) / 1e6));
  return [
    line(['events/s', ...columns.map(({ name }) => name)]),
    line(['---', ...columns.map(() => '---')]),
    ...ROWS.map(([name, cell]) => line([name, ...cells(cell)])),
    ...names.map((name) =>
      line([`USD a month: ${name}`, ...dollars.map((sums) => short(sums.get(name) ?? 0))]),
    ),
    line(['**USD a month**', ...cells(({ model }) => `**${short(totalUsd(billOf(model)))}**`)]),
    line(['USD for a million events', ...cells(perMillion)]),
    line(['fullest limit that settings do not move', ...cells(fullest)]),
    '',
    ...columns.flatMap(({ name, choice }) => [
      `${name}: ${choice instanceof NoSettings ? choice.message : `\`${settingsArgument(choice)}\``}`,
      '',
    ]),
  ]
    .join('\n')
    .trimEnd();
}

function tried(workload: Workload): Choice | NoSettings {
  try {
    return chooseSettings(workload);
  } catch (error) {
    if (error instanceof NoSettings) return error;
    throw error;
  }
}
