// `tally dead-letters`: lists, redrives, parks, replays or discards what the writer gave up.
import { Command } from 'commander';
import type { Action, Flags } from './dead-letters/run.ts';
import { commandOf, STACK_CODES, wholeNumber, withStack } from './shared/options.ts';

export const deadLettersCommand = commandOf(
  'dead-letters',
  'Inspect and move dead letters: rollup messages whose attempts are used up. A name is SEGMENT/PART, such as 1.0.2s/0, or poison/MESSAGE.',
  'npx tally dead-letters list --stage prod\nnpx tally dead-letters redrive --all --reason Throttl --stage prod',
  STACK_CODES,
);

deadLettersCommand.addCommand(
  narrowed(action('list', 'list the dead-letter queue, or the archive'))
    .option('--parked', 'list the archive')
    .option('--max <n>', 'read at most this many', wholeNumber(1), 1000),
);
deadLettersCommand.addCommand(
  action('show', 'show one with its history and rows')
    .argument('<name>')
    .option('--rows', 'every row, entities included'),
);
deadLettersCommand.addCommand(changing('redrive', 'send to the rollup queue now'));
deadLettersCommand.addCommand(changing('park', 'move from the queue into the archive'));
deadLettersCommand.addCommand(
  changing('replay', 'send parked ones to the rollup queue again; each counts once'),
);
deadLettersCommand.addCommand(
  changing('discard', 'give up: keep in the archive under discarded/, show as lost in /v1/status')
    .option('--parked', 'only the archive')
    .requiredOption('--why <text>', 'the reason, for the record')
    .option('--by <name>', 'your name for the record (default: your user name)')
    .option('--yes', 'do not ask for confirmation'),
);
deadLettersCommand.addHelpText(
  'after',
  `
While a command works on dead letters, the redriver does not see them (for a minute at most after a kill).`,
);

function action(name: Action, description: string): Command {
  const command = withStack(new Command(name).description(description)).option('--json', 'results as JSON');
  return command.action(async () => {
    const names = [command.processedArgs[0] ?? []].flat() as string[];
    const { runDeadLetters } = await import('./dead-letters/run.ts');
    process.exitCode = await runDeadLetters(name, names, command.opts<Flags>());
  });
}

function narrowed(command: Command): Command {
  return command
    .option('--reason <text>', "a piece of the last failure's reason")
    .option('--entity <entity>', 'a row for exactly this entity')
    .option('--segment <id>', 'a segment (1.0.2s) or a shard (1.0)');
}

function changing(name: Action, description: string): Command {
  return narrowed(action(name, description).argument('[names...]'))
    .option('--all', 'all of them, perhaps narrowed by --reason, --entity or --segment')
    .option('--dry-run', 'print what would be done, and change nothing')
    .option('--per-second <n>', 'at most this many a second', wholeNumber(1), 50);
}
