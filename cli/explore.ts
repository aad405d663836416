// `tally explore`: every order of steps in small worlds.
import { Command } from 'commander';
import { withExample } from './shared/options.ts';
import { runScript } from './shared/script.ts';

const command = new Command('explore')
  .description('Explore small worlds exhaustively: every order of steps, crash and redelivery.')
  .argument('[words...]', 'only worlds whose names contain one of these words')
  .action((words: string[]) => runScript('proof/explore.ts', {}, words));

export const exploreCommand = withExample(command, 'npx tally explore split');
