// `tally bench`: measurements, a subcommand each.
import { Option } from 'commander';
import { callersPath } from './paths.ts';
import { commandOf, existing, wholeNumber, wholeNumbers } from './shared/options.ts';
import { runScript } from './shared/script.ts';

/** An option of a benchmark: its flags, its meaning, and its values: a parser, a list, or by default any text. */
type BenchOption = readonly [flags: string, meaning: string, parse?: Parse | readonly string[]];
type Parse = (text: string) => string | number | number[];

type Benchmark = Readonly<{ script: string; description: string; options: readonly BenchOption[] }>;

const count = wholeNumber(1);
const FUNCTIONS = 'aggregator collector writer redriver query accountant canary compactor console'.split(' ');
const ROUNDS: BenchOption = ['--rounds <n>', 'rounds', count];

const BENCHMARKS: Readonly<Record<string, Benchmark>> = {
  formats: {
    script: 'bench/formats.ts',
    description: 'lines of a log read in a second, and memory, beside GoAccess',
    options: [
      ['--file <file>', 'an uncompressed combined log', existing],
      ['--lines <n>', 'lines of a generated log', count],
      ROUNDS,
    ],
  },
  collector: {
    script: 'bench/collector.ts',
    description: 'an object of 5 GB through the collector, in many runs, some of which die',
    options: [
      ['--gigabytes <n>', 'size of the object', count],
      ['--seconds <n>', 'processor time of a run', count],
      ['--die-every <n>', 'one run in this many dies', count],
      ['--gzip', 'compress the object, which each run inflates from its start'],
    ],
  },
  'end-to-end': {
    script: 'bench/end-to-end.ts',
    description: 'events a second and freshness at rising load, beside one UpdateItem an event and Redis',
    options: [
      ['--rates <list>', 'events a second, such as 1000,2000', wholeNumbers(1)],
      ['--seconds <n>', 'seconds at each rate', count],
      ROUNDS,
      ['--events <n>', 'events of the run at full speed', count],
      ['--entities <n>', 'different entities', count],
      ['--connections <n>', 'connections of the clients', count],
    ],
  },
  cost: {
    script: 'bench/cost.ts',
    description: 'write units and dollars, beside other ways, on the same events',
    options: [
      ['--data <folder>', 'folder with logs', existing],
      ['--sample <n>', 'events that a synthetic load is sampled with', count],
      ['--workloads <name>', 'only workloads whose names begin with this'],
      ['--json <file>', 'write the rows there, too', callersPath],
    ],
  },
  'cold-start': {
    script: 'bench/cold-start.ts',
    description: "how long each function's bundle takes to start",
    options: [ROUNDS, ['--only <noun>', 'only this function', FUNCTIONS]],
  },
  'first-paint': {
    script: 'bench/first-paint.ts',
    description: 'how soon a fresh browser shows the console',
    options: [ROUNDS],
  },
  readable: {
    script: 'bench/readable.ts',
    description: 'how long after its 202 an event is in the answers of each grain',
    options: [
      ['--probes <n>', 'events to wait for', count],
      ['--every-ms <n>', 'milliseconds between them', count],
    ],
  },
  'dedup-window': {
    script: 'bench/dedup-window.ts',
    description: 'memory, time and read units of a cold dedup window',
    options: [
      ['--seconds <n>', 'one window of that length, instead of four', count],
      ['--per-second <n>', 'events with ids a second', count],
      ['--segment-seconds <n>', 'seconds of one segment', count],
    ],
  },
  compactor: {
    script: 'bench/compactor.ts',
    description: "how much of one function's time compaction takes at a rate",
    options: [['--rate <n>', 'events a second', count], ROUNDS],
  },
  recount: {
    script: 'bench/recount.ts',
    description: 'how long it takes to recount an hour from the archive',
    options: [['--rate <n>', 'events a second', count]],
  },
};

export const benchCommand = commandOf('bench', 'Run a benchmark.', 'npx tally bench end-to-end --rounds 1');
for (const [name, { script, description, options }] of Object.entries(BENCHMARKS)) {
  const one = commandOf(name, description, `npx tally bench ${name}`);
  for (const [flags, meaning, parse] of options) {
    const option = new Option(flags, meaning);
    if (typeof parse === 'function') option.argParser(parse);
    else if (parse !== undefined) option.choices(parse);
    one.addOption(option);
  }
  benchCommand.addCommand(one.action((given) => runScript(script, given)));
}
