// A function's environment. The stack sets every variable, so a missing one is an error.

import type { GenerationStart } from '../core/generation.ts';
import type { LevelRetentionsMs } from '../core/watermark.ts';

export class InvalidEnvironment extends Error {
  override readonly name = 'InvalidEnvironment';
}

export type Environment = Readonly<Record<string, string | undefined>>;

/** A variable's text. @throws InvalidEnvironment when it is missing or empty */
export function text(environment: Environment, name: string): string {
  const value = environment[name];
  if (value === undefined || value === '') throw new InvalidEnvironment(`the environment has no ${name}`);
  return value;
}

/** A variable's whole number. @throws InvalidEnvironment */
export function wholeNumber(environment: Environment, name: string): number {
  const value = text(environment, name);
  if (!/^\d{1,15}$/.test(value))
    throw new InvalidEnvironment(`${name} must be a whole number, not "${value}"`);
  return Number(value);
}

/** A variable that is `true` or `false`. @throws InvalidEnvironment */
export function flag(environment: Environment, name: string): boolean {
  const value = text(environment, name);
  if (value !== 'true' && value !== 'false')
    throw new InvalidEnvironment(`${name} must be true or false, not "${value}"`);
  return value === 'true';
}

/** A variable's duration: seconds, converted to milliseconds. */
export function secondsAsMs(environment: Environment, name: string): number {
  return wholeNumber(environment, name) * 1000;
}

/** A duration that may be `forever`, returned as undefined. */
export function secondsOrForeverAsMs(environment: Environment, name: string): number | undefined {
  return text(environment, name) === 'forever' ? undefined : secondsAsMs(environment, name);
}

/** Where a new generation of the stream begins: `heads`, or a time. @throws InvalidEnvironment */
export function generationStartIn(environment: Environment): GenerationStart {
  const value = text(environment, 'STREAM_GENERATION_FROM');
  if (value === 'heads') return value;
  const timeMs = Date.parse(value);
  if (Number.isNaN(timeMs))
    throw new InvalidEnvironment(`STREAM_GENERATION_FROM must be heads or a time, not "${value}"`);
  return timeMs;
}

/** How long the blocks of each level are kept. Blocks of hours hold minutes, blocks of days hours, blocks of months days. */
export function retentionsIn(environment: Environment): LevelRetentionsMs {
  return {
    hours: secondsOrForeverAsMs(environment, 'MINUTE_RETENTION_SECONDS'),
    days: secondsOrForeverAsMs(environment, 'HOUR_RETENTION_SECONDS'),
    months: secondsOrForeverAsMs(environment, 'DAY_RETENTION_SECONDS'),
    all: undefined,
  };
}
