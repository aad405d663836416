// `npm run audit`: audits closed hours of a running stack, slice by slice, and repairs what differs if asked to.
import { parseArgs } from 'node:util';
import { signedFetch } from './signed-fetch.ts';

const USAGE = `npm run audit -- --url URL --from TIME --to TIME [--slices N] [--repair] [--json]

Holds the counter items of whole, closed hours against what segments emitted, produced again from the stream.
  --url      where the stack answers, such as http://127.0.0.1:8787
  --from     first hour, ISO 8601 with a zone (2026-11-22T05:00Z)
  --to       end of the last hour
  --slices   into how many pieces the work is cut (default 1); more when a piece does not fit into a request's 29 seconds
  --repair   rewrite items that differ; what they said before goes to the archive under repairs/
  --json     print the sum of all answers as JSON
Exit code 0: no difference, or all repaired. 1: differences (with --repair: some that could not be repaired). 2: wrong usage, or
not finished. 3: nothing could be audited.`;

/** The sum of the slices' answers. */
interface Sum {
  segments: number;
  items: number;
  events: number;
  itemsDiffering: number;
  itemsUnaudited: number;
  differencesOmitted: number;
  repaired: number;
  differences: Record<string, unknown>[];
  notReproducible: string[];
  segmentsUnaudited: { segment: string; reason: string }[];
  complete: boolean;
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      url: { type: 'string' },
      from: { type: 'string' },
      to: { type: 'string' },
      slices: { type: 'string', default: '1' },
      repair: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  const { url, from, to } = values;
  if (values.help || url === undefined || from === undefined || to === undefined) {
    console.log(USAGE);
    return values.help ? 0 : 2;
  }
  const slices = Number(values.slices);
  if (!Number.isInteger(slices) || slices < 1) throw new Error('--slices must be a whole number from 1');
  const sums = emptySum();
  for (let slice = 0; slice < slices; slice += 1) {
    add(sums, await auditSlice(url, { from, to, slice: `${slice}/${slices}` }, values.repair));
  }
  report(sums, values.json);
  if (!sums.complete) {
    console.error(
      `Not finished: a slice did not fit into a request. Run it again with --slices ${slices * 4}.`,
    );
    return 2;
  }
  if (sums.segments === 0 && sums.items === 0) {
    console.error('Nothing was audited: no segment that the stream still holds added to these hours.');
    return 3;
  }
  if (sums.notReproducible.length > 0) return 1;
  const strangers = sums.differences.filter(({ kind }) => kind === 'segment-unknown').length;
  if (values.repair) return sums.repaired === sums.itemsDiffering ? 0 : 1;
  return sums.itemsDiffering + strangers + sums.differencesOmitted === 0 ? 0 : 1;
}

async function auditSlice(base: string, query: Record<string, string>, repair: boolean): Promise<Sum> {
  if (!URL.canParse(base))
    throw new Error(`--url must be a whole URL such as http://127.0.0.1:8787, not "${base}"`);
  const url = new URL(repair ? 'v1/admin/repair' : 'v1/audit', base.endsWith('/') ? base : `${base}/`);
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
  const answer = await signedFetch(repair ? 'POST' : 'GET', url).catch((error: Error) => {
    throw new Error(
      `${url.origin} does not answer (${String(error.cause ?? error.message)}): is the stack running, and --url right?`,
    );
  });
  const body = (await answer.json()) as Sum & { message?: string };
  if (answer.status !== 200) throw new Error(`${url.pathname} answered ${answer.status}: ${body.message}`);
  return body;
}

function emptySum(): Sum {
  const lists = { differences: [], notReproducible: [], segmentsUnaudited: [] };
  const numbers = {
    segments: 0,
    items: 0,
    events: 0,
    itemsDiffering: 0,
    itemsUnaudited: 0,
    differencesOmitted: 0,
    repaired: 0,
  };
  return { ...numbers, ...lists, complete: true };
}

/** Adds a slice's answer. Every slice produces the same segments again, so what is said of segments is not added up. */
function add(sum: Sum, slice: Sum): void {
  sum.segments = Math.max(sum.segments, slice.segments);
  sum.items += slice.items;
  sum.events += slice.events;
  sum.itemsDiffering += slice.itemsDiffering;
  sum.itemsUnaudited += slice.itemsUnaudited;
  sum.differencesOmitted += slice.differencesOmitted;
  sum.repaired += slice.repaired;
  sum.differences.push(...slice.differences);
  sum.notReproducible = [...new Set([...sum.notReproducible, ...slice.notReproducible])];
  sum.segmentsUnaudited = slice.segmentsUnaudited;
  sum.complete &&= slice.complete;
}

function report(sum: Sum, json: boolean): void {
  if (json) {
    console.log(JSON.stringify(sum));
    return;
  }
  for (const difference of sum.differences) console.log(JSON.stringify(difference));
  for (const segment of sum.notReproducible)
    console.log(`segment ${segment} came out differently than the first time`);
  for (const { segment, reason } of sum.segmentsUnaudited)
    console.log(`segment ${segment} not audited: ${reason}`);
  console.log(
    `${sum.segments} segments, ${sum.items} counter items with ${sum.events} events: ` +
      `${sum.differences.length + sum.differencesOmitted} differences, ${sum.repaired} items repaired, ` +
      `${sum.itemsUnaudited} items and ${sum.segmentsUnaudited.length} segments not audited`,
  );
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 2;
}
