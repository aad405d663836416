// `tally start`: the local stack; local/ has its own command line, which `npm start` uses too.
import { Command } from 'commander';
import { runScript } from './shared/script.ts';

export const startCommand = new Command('start')
  .description('Run Tally on this machine, on embedded emulators (the same as npm start).')
  .helpOption(false)
  .allowUnknownOption()
  .argument('[options...]')
  .action((options: string[]) => runScript('local/main.ts', {}, options));
