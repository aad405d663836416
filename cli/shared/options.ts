// Options that several commands share, and their parsers.
import { existsSync } from 'node:fs';
import { Command, InvalidArgumentError, Option } from 'commander';
import { callersPath } from '../paths.ts';

/** A parser of a whole number within bounds. */
export function wholeNumber(least = 0, most = Number.MAX_SAFE_INTEGER): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^-?\d+$/.test(text) && value >= least && value <= most) return value;
    throw new InvalidArgumentError(`It must be a whole number ${bounds(least, most)}.`);
  };
}

/** A parser of a number within bounds. */
export function decimal(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = text.trim() === '' ? Number.NaN : Number(text.replaceAll(',', ''));
    if (value >= least && value <= most) return value;
    throw new InvalidArgumentError(`It must be a number ${bounds(least, most)}.`);
  };
}

/** A parser of a list of whole numbers, such as `1,4,7`. */
export function wholeNumbers(least = 0): (text: string) => number[] {
  return (text) => text.split(',').map(wholeNumber(least));
}

/** A parser of an existing path. */
export function existing(text: string): string {
  const path = callersPath(text);
  if (existsSync(path)) return path;
  throw new InvalidArgumentError(`There is no ${path}.`);
}

function bounds(least: number, most: number): string {
  return most === Number.MAX_SAFE_INTEGER ? `from ${least}` : `from ${least} to ${most}`;
}

/** Adds the two ways to name a stack. */
export function withStack(command: Command): Command {
  return command
    .option('--url <url>', 'a local stack, such as http://127.0.0.1:8787')
    .option('--stage <name>', 'a stack on AWS, with your usual credentials and region');
}

/** Exit codes of commands that do one thing; usage errors exit with 2. */
const USUAL_CODES = '0 done; 1 failed; 2 wrong usage.';

/** Exit codes of commands on a stack. */
export const STACK_CODES =
  '0 done; 1 something failed, was refused or is not there; 2 wrong usage or not confirmed, nothing was\nchanged; 3 nothing to do; 4 no stack, no credentials or no answer; 130 interrupted.';

/** A command with its help. @param examples one a line @param codes its exit codes: `0 done; 1 …` */
export function commandOf(name: string, description: string, examples: string, codes = USUAL_CODES): Command {
  const title = examples.includes('\n') ? 'Examples' : 'Example';
  const help = `\n${title}:\n  ${examples.replaceAll('\n', '\n  ')}\n\nExit codes: ${codes}`;
  return new Command(name).description(description).addHelpText('after', help);
}

/** An option that takes one of some values. */
export function choice(flags: string, meaning: string, values: readonly string[], usual?: string): Option {
  return new Option(flags, meaning).choices(values).default(usual);
}
