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

/** An entity's counts, as the API answers. @throws when it does not */
export async function readCounts(
  url: string,
  metric: string,
  entity: string,
  query: Readonly<Record<string, string>>,
) {
  const path = `/v1/counts/${metric}/${encodeURIComponent(entity)}?${new URLSearchParams(query)}`;
  const answer = await fetch(url + path);
  const text = await answer.text();
  if (answer.status !== 200) throw new Error(`GET ${path} answered ${answer.status}: ${text}`);
  return JSON.parse(text) as {
    points: { at: string; n: number }[];
    total: number;
    completeThrough: string | null;
  };
}
