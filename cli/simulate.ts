// `tally simulate`: whole histories with faults in virtual time, on the real use cases.
import { Command } from 'commander';
import { wholeNumber, wholeNumbers, withExample } from './shared/options.ts';
import { runScript } from './shared/script.ts';

const command = new Command('simulate')
  .description(
    'Plays histories with faults in virtual time, and checks every promise. The same seed plays the same history.',
  )
  .option('--seed <n>', 'play one history', wholeNumber())
  .option('--runs <n>', 'play so many histories', wholeNumber(1))
  .option('--minutes <n>', 'play as many as fit into so many minutes', wholeNumber(1))
  .option('--from <seed>', 'first seed of many (default: at random)', wholeNumber())
  .option('--workers <n>', 'processes at once', wholeNumber(1))
  .option('--failures <n>', 'stop after so many failures', wholeNumber(1))
  .option('--trace', 'print each step of one history')
  .option('--shrink', 'look for the smallest history that still fails')
  .option('--without-faults <list>', 'leave out these faults of one history, such as 1,2', wholeNumbers)
  .option('--without-records <list>', 'leave out these records of one history', wholeNumbers)
  .action((options, self) => {
    const ways = [options.seed, options.runs, options.minutes].filter((way) => way !== undefined);
    if (ways.length !== 1) self.error('error: say one of --seed N, --runs N or --minutes N');
    return runScript('proof/simulation/main.ts', options);
  });

export const simulateCommand = withExample(
  command,
  'npx tally simulate --seed 42 --trace\nnpx tally simulate --runs 1000',
);
