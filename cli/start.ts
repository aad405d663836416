// `tally start`, which is `npm start`: the local stack, until Ctrl-C.
import { InvalidArgumentError } from 'commander';
import { callersPath } from './paths.ts';
import { messageOf } from './shared/errors.ts';
import { commandOf, wholeNumber } from './shared/options.ts';
import { runScript } from './shared/script.ts';

export const startCommand = commandOf(
  'start',
  'Runs Tally on this machine, on embedded emulators. Ctrl-C stops it; a second one stops at once.',
  `npx tally start --data ./tally-data\nnpx tally start --settings '{"archiveRawEvents":true}'`,
)
  .option('--port <n>', 'port of the API (default: 8787, or the next free one)', wholeNumber(0, 65_535))
  .option('--data <folder>', 'keep data there: it survives restarts (default: in memory)', folder)
  .option('--no-demo', 'no demo traffic (there is none with --data either)')
  .option('--settings <json>', 'settings over those of the stage (docs/settings.md)')
  .option('--logs <file>', 'append what functions log, and their metrics', callersPath)
  .addHelpText(
    'after',
    `
With --data, values in parameters.json of that folder go before those of the template, also while the stack runs:
  {"/tally/local/retries": {"attempts": 5}}`,
  )
  .action(async ({ demo, ...options }) => {
    if (options.settings !== undefined) await checkSettings(options.settings);
    await runScript('local/main.ts', { ...options, noDemo: demo === false });
  });

/** Validates before anything starts. The settings' schemas take longer to load than all commands, so they load here. */
async function checkSettings(text: string): Promise<void> {
  const { configurationOf, LOCAL_STAGE, settingsIn } = await import('../lib/configuration.ts');
  try {
    configurationOf(LOCAL_STAGE, settingsIn(text, '--settings'));
  } catch (error) {
    startCommand.error(
      `error: option '--settings <json>' argument '${text}' is invalid. ${messageOf(error)}`,
    );
  }
}

function folder(text: string): string {
  if (text === '') throw new InvalidArgumentError('It must be a folder, such as ./tally-data.');
  return callersPath(text);
}
