// Commands of this repository, run by proofs as operators run them.
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** The project's root, in which commands run. */
export const ROOT = join(import.meta.dirname, '..');

/** Runs `tally` on this terminal; it dies with this process. @returns its exit code */
export async function runTally(command: string, args: readonly string[]): Promise<number> {
  const child = spawn(process.execPath, ['bin/tally.ts', command, ...args], { cwd: ROOT, stdio: 'inherit' });
  const stop = () => child.kill('SIGKILL');
  process.once('exit', stop);
  const [code] = await once(child, 'exit');
  process.off('exit', stop);
  return Number(code ?? 1);
}

/** Runs `tally`. @returns what it prints @throws Error with what it complains of, when it fails */
export async function tallyOutput(args: readonly string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(process.execPath, ['bin/tally.ts', ...args], { cwd: ROOT });
  return stdout.trim();
}
