#!/usr/bin/env node
// The one command: `tally <command>`.
import { Command } from 'commander';
import { followCommand } from '../cli/follow.ts';
import { importCommand } from '../cli/import.ts';
import { verifyCommand } from '../cli/verify.ts';

const program = new Command('tally').description('Counts events exactly.');
for (const command of [importCommand, followCommand, verifyCommand]) program.addCommand(command);
for (const command of [program, ...program.commands]) {
  command.showHelpAfterError('(--help shows the options)').exitOverride((error) => {
    // Help was asked for, or the usage is wrong; commander has said so.
    process.exit(error.exitCode === 0 ? 0 : 2);
  });
}
await program.parseAsync();
