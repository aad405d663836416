// `tally mutants`: known mistakes, one at a time, each of which the proofs must notice.
import { Command } from 'commander';
import { withExample } from './shared/options.ts';
import { runScript } from './shared/script.ts';

const command = new Command('mutants')
  .description(
    'Makes a known mistake in a copy of the code, one at a time, and expects the proofs to notice each.',
  )
  .argument('[words...]', 'only mutations whose names hold one of these words')
  .option('--explore', 'ask the exploration alone')
  .action((words: string[], options) => runScript('proof/mutants.ts', options, words));

export const mutantsCommand = withExample(command, 'npx tally mutants dedup');
