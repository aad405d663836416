// Runs commands in a separate process: benchmarks, campaigns, and anything that must not share this process's memory or clock.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '..', '..');
const QUIET = join(import.meta.dirname, 'quiet-output.ts');

/**
 * Runs a script of this repository on this process's terminal.
 * @param script its path from the root
 * @param options named values: true for a flag; undefined and false are omitted
 * @param more additional arguments, unchanged
 */
export async function runScript(
  script: string,
  options: Readonly<Record<string, unknown>>,
  more: readonly string[] = [],
): Promise<void> {
  const child = spawn(process.execPath, ['--import', QUIET, script, ...flagsOf(options), ...more], {
    cwd: ROOT,
    stdio: 'inherit',
    env: { ...process.env, TZ: 'UTC' },
  });
  const pass = (signal: NodeJS.Signals) => child.kill(signal);
  process.on('SIGINT', () => {}).on('SIGTERM', pass);
  const [code] = await once(child, 'close');
  process.exitCode = typeof code === 'number' ? code : 1;
}

/** Formats `{ lateShare: 3, trace: true }` as `--late-share 3 --trace`. */
function flagsOf(options: Readonly<Record<string, unknown>>): string[] {
  return Object.entries(options).flatMap(([name, value]) => {
    if (value === undefined || value === false) return [];
    const flag = `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
    return value === true ? [flag] : [flag, String(value)];
  });
}
