// `tally simulate`: complete runs with faults in virtual time, on the real use cases.
import { commandOf, wholeNumber, wholeNumbers } from './shared/options.ts';
import { runScript } from './shared/script.ts';

export const simulateCommand = commandOf(
  'simulate',
  'Play histories with faults in virtual time, and check every promise. The same seed plays the same history.',
  'npx tally simulate --seed 42 --trace\nnpx tally simulate --runs 1000',
)
  .option('--seed <n>', 'play one history', wholeNumber())
  .option('--runs <n>', 'play this many histories', wholeNumber(1))
  .option('--minutes <n>', 'play as many as fit into this many minutes', wholeNumber(1))
  .option('--from <seed>', 'first seed of many (default: at random)', wholeNumber())
  .option('--workers <n>', 'processes at once', wholeNumber(1))
  .option('--failures <n>', 'stop after this many failures', wholeNumber(1))
  .option('--trace', 'print each step of one history')
  .option('--shrink', 'find the smallest history that still fails')
  .option('--without-faults <list>', 'leave out these faults of one history, such as 1,2', wholeNumbers())
  .option('--without-records <list>', 'leave out these records of one history', wholeNumbers())
  .action((options, self) => {
    const ways = [options.seed, options.runs, options.minutes].filter((way) => way !== undefined);
    if (ways.length !== 1) self.error('error: give one of --seed N, --runs N or --minutes N');
    return runScript('proof/simulation/main.ts', options);
  });
