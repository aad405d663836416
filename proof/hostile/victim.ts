// Starts the attacked process, asks for its memory use, and notices if it dies.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Memory, Places } from './victim-process.ts';

/** Starts a local stack in a process of its own, and waits until it answers. @throws when it ends before */
export async function startVictim() {
  const child = fork(join(import.meta.dirname, 'victim-process.ts'), [], {
    execArgv: ['--expose-gc'],
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  /** Complaints of the stack, which should never occur. */
  const problems: string[] = [];
  child.stderr?.setEncoding('utf8').on('data', (text: string) => problems.push(text.slice(0, 500)));
  const exited = once(child, 'exit');
  const isAlive = () => child.exitCode === null && child.signalCode === null;
  const nextMessage = async (): Promise<unknown> => {
    const [message] = await Promise.race([once(child, 'message'), exited]);
    if (!isAlive()) throw new Error(`the stack has ended with ${child.exitCode}: ${problems.join('; ')}`);
    return message;
  };
  const places = (await nextMessage()) as Places;
  return {
    places,
    problems,
    isAlive,
    url: `http://127.0.0.1:${places.port}`,
    memory: async () => {
      child.send('memory');
      return (await nextMessage()) as Memory;
    },
    stop: async () => {
      // Its data is in memory.
      child.kill('SIGKILL');
      await exited;
    },
  };
}
