// The output of `tally plan`: the answer in three lines, then its details.
import { billOf, limitsOf } from './bill.ts';
import { PRICE_LIST, PRICES, totalOf } from './prices.ts';
import type { Sampled } from './sample.ts';
import type { Workload } from './workload.ts';

/** Formats three significant digits; whole numbers above 100. */
export function short(value: number): string {
  if (value === 0) return '0';
  return Math.abs(value) >= 100
    ? Math.round(value).toLocaleString('en')
    : String(Number(value.toPrecision(Math.abs(value) < 0.01 ? 2 : 3)));
}

/** The settings that differ from the defaults, in the command line's format. */
function settingsFor(workload: Workload, { shards, hashSlots }: Sampled): string {
  const settings = {
    ...(shards !== 1 && { streamShards: shards }),
    ...(hashSlots !== 16 && { hashSlots }),
    ...(workload.windowSeconds !== 5 && { aggregatorWindowSeconds: workload.windowSeconds }),
  };
  return Object.keys(settings).length === 0 ? 'the defaults' : `--settings '${JSON.stringify(settings)}'`;
}

export function report(workload: Workload, sampled: Sampled): string {
  const bill = billOf(workload, sampled);
  const month = totalOf(bill);
  const millions = (workload.eventsPerSecond * 730 * 3_600) / 1e6;
  const [fullest] = limitsOf(workload, sampled);
  const lines = [
    `${short(workload.eventsPerSecond)} events/s cost about $${short(month)} a month: $${short(month / millions)} for a million events.`,
    `Settings: ${settingsFor(workload, sampled)}. An event is readable some ${workload.windowSeconds + 2} s after it arrives.`,
    `In the busiest minute the fullest limit is ${fullest?.name}: ${short(100 * (fullest?.share ?? 0))} % (who can move it: ${fullest?.mover}).`,
    '',
    'US dollars a month:',
    ...Object.entries(bill).map(([service, usd]) => `  ${service.padEnd(12)} ${short(usd).padStart(9)}`),
    '',
    `Write units an event: ${short(totalOf(sampled.writeUnits))}`,
    ...Object.entries(sampled.writeUnits).map(
      ([purpose, units]) => `  ${purpose.padEnd(30)} ${short(units)}`,
    ),
    `Read units an event: ${short(sampled.readUnits)}`,
    `A question about the open hour reads up to ${short(sampled.uncompactedBytes / 4_096)} read units of deltas.`,
    '',
    `Measured on a sample that the deployed code counted in memory. List prices of ${PRICE_LIST.region}, ${PRICE_LIST.asOf}.`,
  ];
  return lines.join('\n');
}

/** The price list, with source pages. */
export function priceList(): string {
  const lines = Object.entries(PRICES).map(([name, { steps, per, source }]) => {
    const usd = steps.map((step) => `$${step.usd}`).join(', ');
    return `${name.padEnd(22)} ${usd} per ${per.toLocaleString('en')}  (${source})`;
  });
  return [`List prices of ${PRICE_LIST.region}, ${PRICE_LIST.asOf}:`, ...lines].join('\n');
}
