// A plan in words and tables: for a terminal, and for docs/plan.md.
import { ASSUMPTIONS } from './assumptions.ts';
import {
  type BillLine,
  billOf,
  MONTH_SECONDS,
  onDemandStreamUsd,
  requestsPerSecond,
  storedBytes,
  totalUsd,
} from './bill.ts';
import type { Choice } from './choose.ts';
import { breaksFirst, type LimitUse, limitsOf } from './limits.ts';
import { PRICE_LIST, PRICES } from './prices.ts';
import type { Workload } from './workload.ts';

const GB = 1024 ** 3;
/** Limits that are less full than this are not worth a line. */
const WORTH_A_LINE = 0.05;

/** Three significant digits, thousands grouped: `1,230`, `0.0457`. */
export function short(value: number): string {
  if (value === 0) return '0';
  const rounded = Number(value.toPrecision(3));
  return rounded.toLocaleString('en', { maximumSignificantDigits: 3 });
}

function percent(share: number): string {
  return `${short(share * 100)} %`;
}

/** The settings as the command line takes them. */
export function settingsArgument({ settings }: Choice): string {
  return `-c settings='${JSON.stringify(settings)}'`;
}

/** Everything about one plan. */
export function report(choice: Choice): string {
  const { model } = choice;
  const bill = billOf(model);
  const uses = limitsOf(model);
  const million = totalUsd(bill) / ((model.workload.eventsPerSecond * MONTH_SECONDS) / 1e6);
  return [
    `Plan for ${describe(model.workload)}.`,
    '',
    "Settings, beside a production stage's defaults:",
    `  ${settingsArgument(choice)}`,
    '',
    ...aligned(facts(choice)),
    '',
    `A month, US dollars (list prices of ${PRICE_LIST.region}, ${PRICE_LIST.asOf}; no free tiers, queries not included):`,
    ...aligned(
      bill
        .filter(({ usd }) => usd >= 0.005)
        .map(({ service, what, units, usd }) => [service, what, short(units), usd.toFixed(2)]),
    ),
    ...aligned([
      ...services(bill).map(([service, usd]) => [`all of ${service}`, usd.toFixed(2)]),
      ['in all', totalUsd(bill).toFixed(2)],
      ['for a million events', short(million)],
    ]),
    '',
    verdict(uses),
    ...aligned(
      uses
        .filter(({ used, limit }) => used / limit >= WORTH_A_LINE)
        .map(({ name, used, limit, mover, source }) => [
          percent(used / limit),
          name,
          `${short(used)} of ${short(limit)}`,
          `moved by ${mover}`,
          source,
        ]),
    ),
    '',
    'Taken for granted, and what measures it:',
    ...aligned(
      Object.values(ASSUMPTIONS).map(({ value, unit, says, measuredBy }) => [
        `${value} ${unit}`,
        says,
        measuredBy,
      ]),
    ),
  ].join('\n');
}

/** A load in a sentence. */
export function describe(w: Workload): string {
  const hot = w.hotShare > 0 ? ` and one that gets ${percent(w.hotShare)} of all events` : '';
  const path =
    w.eventsPerRecord > 1
      ? `in batches of ${w.eventsPerRecord} events, each a request and a record`
      : `${w.eventsPerRequest} events a request`;
  return `${short(w.eventsPerSecond)} events/s (${w.peakFactor} × as many in the busiest minute) of ${short(w.entities)} counters, Zipf ${w.skew}${hot}, ${path}, readable after ${w.freshnessSeconds} s`;
}

/** What follows from a choice, mean and busiest minute. */
function facts({ model }: Choice): string[][] {
  const { configuration: c, mean, peak } = model;
  const stored = storedBytes(model);
  const both = (name: string, pick: (flows: typeof mean) => number) => [
    name,
    short(pick(mean)),
    short(pick(peak)),
  ];
  return [
    ['', 'mean', 'busiest minute'],
    ['shards', String(c.streamShards), ''],
    ['readable after, seconds, at most', '', short(model.freshnessSeconds)],
    [
      'windows of aggregator and writer, seconds',
      `${c.aggregatorWindowSeconds} and ${c.writerWindowSeconds}`,
      '',
    ],
    ['bucketMinutes', String(c.bucketMinutes), ''],
    both(
      'requests/s',
      ({ eventsPerSecond }) => (requestsPerSecond(model.workload) * eventsPerSecond) / mean.eventsPerSecond,
    ),
    both('segments/s', ({ segments }) => segments.perSecond),
    both('events a segment', ({ segments }) => segments.eventsEach),
    both('rows a segment', ({ segments }) => segments.rowsEach),
    both('aggregators at work', ({ segments }) => segments.concurrency),
    both('share of dedup windows that a container holds', ({ segments }) => segments.windowsHeld),
    both('rollup messages/s', ({ counters }) => counters.messagesPerSecond),
    both('messages a writer gets', ({ counters }) => counters.messagesEach),
    both('updates/s', ({ counters }) => counters.updatesPerSecond),
    both('updates an event', ({ counters, eventsPerSecond }) => counters.updatesPerSecond / eventsPerSecond),
    both('writers at work', ({ counters }) => counters.concurrency),
    both('write units/s, counting', ({ counters }) => counters.writeUnitsPerSecond),
    both('write units/s, ledger', ({ ledger }) => ledger.writeUnitsPerSecond),
    both(
      'write units an event, remembering ids',
      ({ ledger, eventsPerSecond }) => ledger.idWriteUnitsPerSecond / eventsPerSecond,
    ),
    both('read units/s, dedup windows', ({ ledger }) => ledger.windowReadUnitsPerSecond),
    both('write units/s, levels', ({ levels }) => levels.writeUnitsPerSecond),
    both('read units/s, levels', ({ levels }) => levels.readUnitsPerSecond),
    both(
      'levels: times a counter is recomputed where once would do',
      ({ levels }) => levels.itemsAnHour / levels.leastItemsAnHour,
    ),
    both('levels: passes over the segments of an hour', ({ levels }) => levels.passesAnHour),
    both('levels: passes over the segments of a day', ({ levels }) => levels.passesADay),
    both('seconds of the compactor an hour', ({ levels }) => levels.secondsAnHour),
    both('hottest counter item: its share of events', ({ counters }) => counters.hottest.share),
    both('hottest counter item: updates/s', ({ counters }) => counters.hottest.updatesPerSecond),
    both('hottest counter item: bytes at its end', ({ counters }) => counters.hottest.bytes),
    both(
      'hottest counter item: write units/s of 1,000',
      ({ counters }) => counters.hottest.writeUnitsPerSecond,
    ),
    both(
      'the same if no two of its rows met in an update',
      ({ counters }) => counters.hottest.uncoalescedWriteUnitsPerSecond,
    ),
    ['stored after a year, GB: minutes', short(stored.counters / GB), ''],
    ['stored after a year, GB: days and above', short(stored.levels / GB), ''],
    ['stored after a year, GB: ledger', short(stored.ledger / GB), ''],
    [
      'the same stream on demand, US dollars a month',
      short(onDemandStreamUsd(model.workload, model.workload.eventsPerSecond * MONTH_SECONDS)),
      '',
    ],
  ];
}

/** What stops a load from growing with these settings, or even from being borne. */
export function verdict(uses: readonly LimitUse[]): string {
  const first = breaksFirst(uses);
  if (first === undefined) return 'No limit is in sight.';
  const share = first.used / first.limit;
  const over = uses.filter(({ used, limit, mover }) => mover !== 'settings' && used > limit);
  if (share <= 1) {
    return `Breaks first: ${first.name}, at ${percent(share)} (moved by ${first.mover}). Limits, in the busiest minute:`;
  }
  return `Does not work as it is: ${over.map(({ name, used, limit, mover }) => `${name} are ${short(used / limit)} × what there may be (moved by ${mover})`).join('; ')}. Limits, in the busiest minute:`;
}

/** Dollars by service, in the order of the bill. */
export function services(bill: readonly BillLine[]): [service: string, usd: number][] {
  const sums = new Map<string, number>();
  for (const { service, usd } of bill) sums.set(service, (sums.get(service) ?? 0) + usd);
  return [...sums];
}

/** Rows as lines of columns, two spaces in. */
function aligned(rows: readonly (readonly string[])[]): string[] {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [column, cell] of row.entries()) widths[column] = Math.max(widths[column] ?? 0, cell.length);
  }
  return rows.map((row) =>
    `  ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ')}`.trimEnd(),
  );
}

/** The prices with their sources. */
export function priceList(): string {
  return aligned(
    Object.entries(PRICES).map(([name, { steps, per, source }]) => [
      name,
      steps.map(({ usd }) => usd).join(' / '),
      `for ${short(per)}`,
      source,
    ]),
  ).join('\n');
}
