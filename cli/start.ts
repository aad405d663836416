// `tally start`, which is `npm start`: the local stack, until Ctrl-C.
import { Command, InvalidArgumentError } from 'commander';
import { callersPath } from './paths.ts';
import { wholeNumber, withExample } from './shared/options.ts';
import { runScript } from './shared/script.ts';

const command = new Command('start')
  .description(
    'Runs Tally on this machine, on embedded emulators. Ctrl-C stops it; a second one stops at once.',
  )
  .option('--port <n>', 'port of the API (default: 8787, or the next free one)', wholeNumber(0, 65_535))
  .option('--data <folder>', 'keep data there: it survives restarts (default: in memory)', callersPath)
  .option('--no-demo', 'no demo traffic (there is none with --data either)')
  .option('--settings <json>', 'settings over those of the stage (docs/settings.md)', jsonObject)
  .option('--logs <file>', 'append what functions log, and their metrics', callersPath)
  .addHelpText(
    'after',
    `
With --data, values in parameters.json of that folder go before those of the template, also while the stack runs:
  {"/tally/local/retries": {"attempts": 5}}`,
  )
  .action(({ demo, ...options }) => runScript('local/main.ts', { ...options, noDemo: demo === false }));

export const startCommand = withExample(
  command,
  `npx tally start --data ./tally-data\nnpx tally start --settings '{"archiveRawEvents":true}'`,
);

function jsonObject(text: string): string {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return text;
  } catch {
    // It is no JSON at all.
  }
  throw new InvalidArgumentError(`It must be a JSON object, such as '{"archiveRawEvents":true}'.`);
}
