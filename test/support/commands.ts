// Command lines of `tally` in a process of their own that stays: starting one for each takes more time than what they do.
import { type ChildProcess, fork } from 'node:child_process';
import { join } from 'node:path';
import { after } from 'node:test';
import type { Ended } from './command-process.ts';

const ROOT = join(import.meta.dirname, '../..');
const waiting: PromiseWithResolvers<Ended>[] = [];
let child: ChildProcess | undefined;

/** Runs a command line to its end; the file's command lines wait for each other. @param aheadMs of its clock */
export function tally(args: readonly string[], cwd = ROOT, aheadMs = 0): Promise<Ended> {
  child ??= start();
  const ended = Promise.withResolvers<Ended>();
  waiting.push(ended);
  child.send([args, cwd, aheadMs]);
  return ended.promise;
}

function start(): ChildProcess {
  const started = fork(join(import.meta.dirname, 'command-process.ts'), { cwd: ROOT, execArgv: [] });
  started.on('message', (ended: Ended) => waiting.shift()?.resolve(ended));
  started.once('exit', (code, signal) => {
    for (const { reject } of waiting) reject(new Error(`the commands' process ended: ${code ?? signal}`));
  });
  after(() => started.kill('SIGKILL'));
  return started;
}
