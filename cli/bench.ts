// `tally bench`: measurements, a subcommand each.
import { Command } from 'commander';
import { wholeNumber, withExample } from './shared/options.ts';
import { runScript } from './shared/script.ts';

/** An option of a benchmark: its flags, what it means, and what it may be; without a parser, text. */
type BenchOption = readonly [flags: string, meaning: string, parse?: (text: string) => number];

interface Benchmark {
  readonly script: string;
  readonly description: string;
  readonly options: readonly BenchOption[];
}

const count = wholeNumber(1);
const ROUNDS: BenchOption = ['--rounds <n>', 'rounds', count];

const BENCHMARKS: Readonly<Record<string, Benchmark>> = {
  'end-to-end': {
    script: 'bench/end-to-end.ts',
    description: 'events a second and freshness at rising load, beside one UpdateItem an event and Redis',
    options: [
      ['--rates <list>', 'events a second, such as 1000,2000'],
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
      ['--data <folder>', 'folder with logs'],
      ['--sample <n>', 'events that a synthetic load is sampled with', count],
      ['--workloads <name>', 'only the workloads that begin so'],
      ['--json <file>', 'write the rows there, too'],
    ],
  },
  'cold-start': {
    script: 'bench/cold-start.ts',
    description: "how long each function's bundle takes to start",
    options: [ROUNDS, ['--only <noun>', 'only this function']],
  },
  query: {
    script: 'bench/query-latency.ts',
    description: 'how long the query function takes by itself',
    options: [
      ROUNDS,
      ['--calls <n>', 'calls a round', count],
      ['--only <word>', 'only questions with this word'],
    ],
  },
  aggregator: {
    script: 'bench/aggregator.ts',
    description: 'processor time of the aggregator, beside the least that is possible',
    options: [
      ROUNDS,
      ['--events <n>', 'events a batch', count],
      ['--ids <n>', 'ids in the dedup window', count],
      ['--sample <n>', 'events measured alone', count],
      ['--only <word>', 'only parts with this word'],
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
  writer: {
    script: 'bench/writer.ts',
    description: 'how fast the writer is',
    options: [
      ROUNDS,
      ['--segments <n>', 'segments a batch', count],
      ['--counters <n>', 'counters a segment', count],
      ['--events-per-row <n>', 'events a row', count],
      ['--latency-ms <n>', 'how long a call of the table takes', wholeNumber(0)],
    ],
  },
  compactor: {
    script: 'bench/compactor.ts',
    description: 'how far one compactor gets',
    options: [
      ['--entities <n>', 'different entities', count],
      ['--segments <n>', 'segments', count],
      ['--events <n>', 'events a segment', count],
      ['--shards <n>', 'shards', count],
      ['--held <n>', 'counters held in memory', count],
      ROUNDS,
    ],
  },
  growth: {
    script: 'bench/growth.ts',
    description: 'whether the cost of an event grows with the work',
    options: [['--events <n>', 'events of the smallest run', count], ROUNDS],
  },
  import: {
    script: 'bench/import-packed.ts',
    description: 'what batches save: the same log imported with and without',
    options: [['--file <path>', 'an access log'], ['--events <n>', 'events', count], ROUNDS],
  },
  soak: {
    script: 'bench/soak.ts',
    description: 'whether memory stays flat under a steady load',
    options: [
      ['--minutes <n>', 'how long', count],
      ['--rate <n>', 'events a second', count],
      ['--sample-seconds <n>', 'seconds between two samples', count],
      ['--growth-max <n>', 'megabytes an hour that may be added', count],
    ],
  },
};

const command = new Command('bench').description('Measures one thing.');
for (const [name, { script, description, options }] of Object.entries(BENCHMARKS)) {
  const one = new Command(name).description(description);
  for (const [flags, meaning, parse] of options) {
    if (parse === undefined) one.option(flags, meaning);
    else one.option(flags, meaning, parse);
  }
  command.addCommand(
    withExample(
      one.action((given) => runScript(script, given)),
      `npx tally bench ${name}`,
    ),
  );
}

export const benchCommand = withExample(command, 'npx tally bench end-to-end --rounds 1');
