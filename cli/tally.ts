// The `tally` command: its subcommands, one file each, and how they end.
import { type Command, CommanderError } from 'commander';
import packageJson from '../package.json' with { type: 'json' };
import { benchCommand } from './bench.ts';
import { collectBackfillCommand } from './collect-backfill.ts';
import { deadLettersCommand } from './dead-letters.ts';
import { deleteEntityCommand } from './delete-entity.ts';
import { deployCommand } from './deploy.ts';
import { drillCommand } from './drill.ts';
import { exploreCommand } from './explore.ts';
import { followCommand } from './follow.ts';
import { hostileCommand } from './hostile.ts';
import { importCommand } from './import.ts';
import { killCommand } from './kill.ts';
import { lateCommand } from './late.ts';
import { mutantsCommand } from './mutants.ts';
import { parameterCommand } from './parameter.ts';
import { planCommand } from './plan.ts';
import { recountCommand } from './recount.ts';
import { asCommandError, exitCodes } from './shared/errors.ts';
import { commandOf } from './shared/options.ts';
import { simulateCommand } from './simulate.ts';
import { startCommand } from './start.ts';
import { verifyCommand } from './verify.ts';

export function tally(): Command {
  const program = commandOf(
    'tally',
    'Tally counts events exactly.',
    'npx tally start\nnpx tally import access.log --url http://127.0.0.1:8787 --wait\nnpx tally deploy prod --new',
  )
    .version(packageJson.version)
    // The list shows first sentences; a command's own help shows the rest.
    .configureHelp({ subcommandDescription: (one) => one.description().split(/(?<=\.) /)[0] ?? '' })
    .enablePositionalOptions()
    .passThroughOptions();
  const groups: Readonly<Record<string, readonly Command[]>> = {
    'Count:': [startCommand, importCommand, followCommand, collectBackfillCommand, verifyCommand],
    'Deploy and operate:': [
      deployCommand,
      planCommand,
      deadLettersCommand,
      parameterCommand,
      recountCommand,
      deleteEntityCommand,
    ],
    'Prove:': [
      simulateCommand,
      exploreCommand,
      mutantsCommand,
      hostileCommand,
      drillCommand,
      killCommand,
      lateCommand,
    ],
    'Measure:': [benchCommand],
  };
  for (const [group, commands] of Object.entries(groups)) {
    for (const command of commands) program.addCommand(command.helpGroup(group));
  }
  finish(program);
  return program;
}

/** Wrong usage prints the command's help, and becomes an error that `run` handles. */
function finish(command: Command): void {
  command.exitOverride().showHelpAfterError();
  for (const child of command.commands) finish(child);
}

/** Runs a command line. Sets the exit code; prints a stack trace only if TALLY_DEBUG is set. */
export async function run(args: readonly string[]): Promise<void> {
  try {
    await tally().parseAsync(args, { from: 'user' });
  } catch (error) {
    if (error instanceof CommanderError) {
      process.exitCode = error.exitCode === 0 ? exitCodes.done : exitCodes.usage;
      return;
    }
    const { message, exitCode } = asCommandError(error);
    console.error(process.env['TALLY_DEBUG'] === undefined ? message : error);
    process.exitCode = exitCode;
  }
}
