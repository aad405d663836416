// `tally drill`: breaks the local stack in six ways and shows alarms, the operator's response, and that counts are right.
import { UsageError } from './shared/errors.ts';
import { commandOf } from './shared/options.ts';

export const drillCommand = commandOf(
  'drill',
  'Break a local stack, one scenario at a time: check the alarms, act by the runbook, compare all counts. A minute of the drill takes about a second.',
  'npx tally drill --only table-outage',
)
  .option('--only <names>', 'scenarios to play, such as stopped-writer,poison-message')
  .action(async ({ only }: { only?: string }) => {
    process.env['TZ'] = 'UTC';
    const { SCENARIOS } = await import('../proof/drill/scenarios.ts');
    const { playDrill } = await import('../proof/drill/play.ts');
    const known = SCENARIOS.map(({ name }) => name);
    const names = only?.split(',');
    const unknown = names?.find((name) => !known.includes(name));
    if (unknown !== undefined)
      throw new UsageError(`There is no scenario ${unknown}; there are ${known.join(', ')}.`);
    process.exitCode = await playDrill(names);
  });
