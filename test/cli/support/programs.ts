// Command lines as processes of their own, ended with their test.
import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { world } from './each-world.ts';

export const tallyPath = fileURLToPath(new URL('../../../bin/tally.ts', import.meta.url));
export const fixture = fileURLToPath(new URL('../fixtures/access.log', import.meta.url));

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Starts a program, to be killed with the test's world. */
export function started(program: string, args: readonly string[], options: SpawnOptions = {}): ChildProcess {
  const child = spawn(program, args, options);
  world.children.push(child);
  return child;
}

/** What a process has said, and how it ended. */
export async function endOf(child: ChildProcess): Promise<Ended> {
  const said = [child.stdout, child.stderr].map((stream) => (stream === null ? '' : text(stream)));
  const [[code, signal], [stdout = '', stderr = '']] = await Promise.all([
    once(child, 'close'),
    Promise.all(said),
  ]);
  return { code, signal, stdout, stderr };
}

/** Resolves when a process has written some text to standard error. */
export function says(child: ChildProcess, wanted: string): Promise<void> {
  let said = '';
  return new Promise((resolve) => {
    child.stderr?.setEncoding('utf8').on('data', (part: string) => {
      said += part;
      if (said.includes(wanted)) resolve();
    });
  });
}

/** Starts a command like an npm script: in the package's folder, with the caller's folder in a variable. */
export function start(command: string, ...args: string[]): { child: ChildProcess; ended: Promise<Ended> } {
  const env = {
    PATH: process.env['PATH'],
    XDG_STATE_HOME: world.path('home'),
    INIT_CWD: world.folder,
    npm_lifecycle_event: 'tally',
  };
  const cwd = fileURLToPath(new URL('../../..', import.meta.url));
  const child = started(process.execPath, [tallyPath, command, ...args], {
    cwd,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  return { child, ended: endOf(child) };
}

export const run = (command: string, ...args: string[]) => start(command, ...args).ended;
