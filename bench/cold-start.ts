// `tally bench cold-start`: how much of each function's bundle is read at start, and how long a fresh process takes.
import { gzipSync } from 'node:zlib';
import type { Bundle } from '../lib/bundle.ts';
import { startBundledStack } from './bundled-stack.ts';
import { coldEvents } from './cold-events.ts';
import { type ColdStart, coldStart } from './cold-process.ts';
import { machine, spread, table } from './end-to-end/figures.ts';

const { rounds, only }: { rounds: number; only?: string } = JSON.parse(process.argv[2] ?? '{}');
/** Variables of the functions on AWS that the local stage does not set. */
const DEPLOYED = { NODE_OPTIONS: '--enable-source-maps' };

/** Kilobytes of a bundle's modules, plain and individually compressed, as in the archive that Lambda fetches. */
function kilobytesOf({ files }: Bundle, atStart: boolean): string[] {
  const contents = files
    .filter((file) => file.name.endsWith('.mjs') && (file.atStart || !atStart))
    .map((file) => file.contents);
  const bytes = (of: readonly Uint8Array[]) => of.reduce((sum, { length }) => sum + length, 0);
  return [contents, contents.map((each) => gzipSync(each))].map((each) => (bytes(each) / 1000).toFixed(0));
}

const before = machine();
const running = await startBundledStack({ schedules: false });
const events = await coldEvents(running);
try {
  const cases = running.functions
    .filter(({ noun }) => only === undefined || noun === only)
    .map((each) => ({ ...each, starts: [] as ColdStart[] }));
  const emptyMs: number[] = [];
  for (let round = 0; round <= rounds; round += 1) {
    process.stderr.write(round === 0 ? 'warming up\n' : `round ${round} of ${rounds}\n`);
    for (const each of cases) {
      const environment = { ...each.environment(), ...DEPLOYED };
      const event = await events.next(each.noun);
      const nothing = await coldStart(undefined, environment, {});
      const start = await coldStart(each.entry, environment, event);
      events.check(each.noun, start.answer);
      if (round === 0) continue;
      emptyMs.push(nothing.loadedMs);
      each.starts.push(start);
    }
  }
  const rows = cases.map(({ noun, bundle, starts }) => [
    noun,
    ...kilobytesOf(bundle, true),
    ...kilobytesOf(bundle, false),
    spread(starts.map(({ startedMs, loadedMs }) => loadedMs - startedMs)),
    spread(starts.map(({ loadedMs, handledMs }) => handledMs - loadedMs)),
    spread(starts.map(({ handledMs }) => handledMs)),
  ]);
  const sizes = ['at start, kB', 'gzip', 'in all, kB', 'gzip'];
  const head = ['function', ...sizes, 'init', 'first event', 'since start'];
  process.stdout.write(`Method: each function is bundled as it is deployed, and started in a fresh process that has Lambda's variables, the template's
and nothing else, source maps enabled as on AWS; services are the local stack's emulators, by plain HTTP, for which Node's modules are
loaded beforehand. It loads the bundle and handles one event of its trigger, whose answer is checked. ${rounds} interleaved rounds after one
to warm up; medians, with the least and the most. Milliseconds. "init" is what our modules take to load: what Lambda's init phase has
besides Node's own start, which took a process that loads nothing ${spread(emptyMs)}. "since start" has that, too.
${before}

${table(head, rows)}
`);
} finally {
  await running.stack.stop();
}
