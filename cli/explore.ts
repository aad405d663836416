// `tally explore`: every order of steps in small worlds.
import { commandOf } from './shared/options.ts';
import { runScript } from './shared/script.ts';

export const exploreCommand = commandOf(
  'explore',
  'Explore small worlds exhaustively: every order of steps, crash and redelivery.',
  'npx tally explore split',
)
  .argument('[words...]', 'only worlds whose names contain one of these words')
  .action((words: string[]) => runScript('proof/explore.ts', {}, words));
