// Child processes of tests: started, listened to, and gone when the file's tests are over.
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { after } from 'node:test';
import { createInbox, type Inbox } from './inbox.ts';

/** A running child and what it has written. */
export interface Child {
  readonly process: ChildProcessByStdio<null, Readable, Readable>;
  readonly lines: Inbox<string>;
  /** Resolves with the exit code, or the signal that ended it. */
  readonly exited: Promise<number | string>;
  /** Resolves with the first line that matches; rejects if the child ends before. */
  line(pattern: RegExp): Promise<string>;
}

/** Starts `node` with these arguments. */
export function startNode(args: readonly string[], env: NodeJS.ProcessEnv = process.env): Child {
  const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  const lines = createInbox<string>();
  for (const stream of [child.stdout, child.stderr]) {
    let rest = '';
    stream.setEncoding('utf8').on('data', (text: string) => {
      const parts = (rest + text).split('\n');
      rest = parts.pop() ?? '';
      parts.forEach(lines.add);
    });
  }
  const exited = once(child, 'close').then(([code, signal]) => (code ?? signal) as number | string);
  after(async () => {
    child.kill('SIGKILL');
    await exited;
  });
  return {
    process: child,
    lines,
    exited,
    line: async (pattern) => {
      const found = () => lines.all.find((line) => pattern.test(line));
      const early = exited.then((code) => {
        if (found() === undefined) throw new Error(`ended with ${code}:\n${lines.all.join('\n')}`);
      });
      await Promise.race([lines.until(() => found() !== undefined), early]);
      return found() ?? '';
    },
  };
}
