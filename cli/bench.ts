// `tally bench`: measurements, a subcommand each.
import { fileURLToPath } from 'node:url';
import { Option } from 'commander';
import { callersPath } from './paths.ts';
import { commandOf, existing, wholeNumber, wholeNumbers } from './shared/options.ts';
import { runScript } from './shared/script.ts';

/** An option of a benchmark: its flags, its meaning, its values (a parser, a list, or none for a flag), and its default. */
type BenchOption = readonly [
  flags: string,
  meaning: string,
  parse?: Parse | readonly string[],
  usual?: unknown,
];
type Parse = (text: string) => string | number | number[];

type Benchmark = Readonly<{ script: string; description: string; options: readonly BenchOption[] }>;

const count = wholeNumber(1);
const rounds = (usual: number): BenchOption => ['--rounds <n>', 'rounds', count, usual];
const FUNCTIONS = 'aggregator collector writer redriver query accountant canary compactor console'.split(' ');
const DATA_FOLDER = fileURLToPath(new URL('../../shared/data/', import.meta.url));

const BENCHMARKS: Readonly<Record<string, Benchmark>> = {
  formats: {
    script: 'bench/formats.ts',
    description: 'lines of a log read in a second, and memory, beside GoAccess',
    options: [
      ['--file <file>', 'an uncompressed combined log', existing],
      ['--lines <n>', 'lines of a generated log', count, 1_000_000],
      rounds(5),
    ],
  },
  collector: {
    script: 'bench/collector.ts',
    description: 'an object of 5 GB through the collector, in many runs, some of which die',
    options: [
      ['--gigabytes <n>', 'size of the object', count, 5],
      ['--seconds <n>', 'processor time of a run', count, 4],
      ['--die-every <n>', 'one run in this many dies', count, 4],
      ['--gzip', 'compress the object, which each run inflates from its start'],
    ],
  },
  'end-to-end': {
    script: 'bench/end-to-end.ts',
    description: 'events a second and freshness at rising load, beside one UpdateItem an event and Redis',
    options: [
      ['--rates <list>', 'events a second, such as 1000,2000', wholeNumbers(1), [1_000, 2_000, 4_000, 8_000]],
      ['--seconds <n>', 'seconds at each rate', count, 2],
      rounds(3),
      ['--events <n>', 'events of the run at full speed', count, 24_000],
      ['--entities <n>', 'different entities', count, 1_000],
      ['--connections <n>', 'connections of the clients', count, 8],
    ],
  },
  cost: {
    script: 'bench/cost.ts',
    description: 'write units and dollars, beside other ways, on the same events',
    options: [
      ['--data <folder>', 'folder with logs', existing, DATA_FOLDER],
      ['--sample <n>', 'events that a synthetic load is sampled with', count, 400_000],
      ['--workloads <name>', 'only workloads whose names begin with this'],
      ['--json <file>', 'write the rows there, too', callersPath],
    ],
  },
  'cold-start': {
    script: 'bench/cold-start.ts',
    description: "how long each function's bundle takes to start",
    options: [rounds(15), ['--only <noun>', 'only this function', FUNCTIONS]],
  },
  'first-paint': {
    script: 'bench/first-paint.ts',
    description: 'how soon a fresh browser shows the console',
    options: [rounds(15)],
  },
  readable: {
    script: 'bench/readable.ts',
    description: 'how long after its 202 an event is in the answers of each grain',
    options: [
      ['--probes <n>', 'events to wait for', count, 300],
      ['--every-ms <n>', 'milliseconds between them', count, 500],
    ],
  },
  'dedup-window': {
    script: 'bench/dedup-window.ts',
    description: 'memory, time and read units of a cold dedup window',
    options: [
      ['--seconds <n>', 'one window of that length, instead of four', count],
      ['--per-second <n>', 'events with ids a second', count, 50],
      ['--segment-seconds <n>', 'seconds of one segment', count, 5],
    ],
  },
  compactor: {
    script: 'bench/compactor.ts',
    description: "how much of one function's time compaction takes at a rate",
    options: [['--rate <n>', 'events a second', count, 100_000], rounds(5)],
  },
  recount: {
    script: 'bench/recount.ts',
    description: 'how long it takes to recount an hour from the archive',
    options: [['--rate <n>', 'events a second', count, 1_000]],
  },
};

export const benchCommand = commandOf('bench', 'Run a benchmark.', 'npx tally bench end-to-end --rounds 1');
for (const [name, { script, description, options }] of Object.entries(BENCHMARKS)) {
  const one = commandOf(name, description, `npx tally bench ${name}`);
  for (const [flags, meaning, parse, usual] of options) {
    const option = new Option(flags, meaning).default(usual);
    if (typeof parse === 'function') option.argParser(parse);
    else if (parse !== undefined) option.choices(parse);
    one.addOption(option);
  }
  // A process of its own: many measure their memory.
  benchCommand.addCommand(one.action((given) => runScript(script, {}, [JSON.stringify(given)])));
}
