// `tally mutants`: known mistakes, one at a time, each of which the proofs must detect.
import { commandOf } from './shared/options.ts';
import { runScript } from './shared/script.ts';

export const mutantsCommand = commandOf(
  'mutants',
  'Make known mistakes in a copy of the code, one at a time, and expect the proofs to notice each.',
  'npx tally mutants dedup',
)
  .argument('[words...]', 'only mutations whose names contain one of these words')
  .option('--explore', 'run the exploration only')
  .action((words: string[], options) => runScript('proof/mutants.ts', options, words));
