// Child processes of the benchmark, and calls over Node's channel to them.
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';

interface Request {
  readonly id: number;
  readonly name: string;
  readonly argument: unknown;
}

type Answer = { readonly id: number } & ({ readonly value: unknown } | { readonly error: string });

/** What a child process can be asked, by name. */
export type Calls = Readonly<Record<string, (argument: never) => unknown>>;

/** A child process that answers calls. */
export class Child<Answered extends Calls> {
  readonly #process: ChildProcess;
  readonly #waiting = new Map<number, PromiseWithResolvers<unknown>>();
  #calls = 0;

  /**
   * Starts it.
   * @param module URL of its program, which calls `answerCalls`
   * @param execArgv Node's own options for it
   */
  constructor(module: URL, args: readonly string[] = [], execArgv: readonly string[] = []) {
    this.#process = fork(module, args, { serialization: 'advanced', execArgv: [...execArgv] });
    this.#process.on('message', (answer: Answer) => {
      const waiting = this.#waiting.get(answer.id);
      this.#waiting.delete(answer.id);
      if ('error' in answer) waiting?.reject(new Error(answer.error));
      else waiting?.resolve(answer.value);
    });
    // One that is held would not notice that its parent has gone.
    const kill = () => this.#process.kill('SIGKILL');
    process.once('exit', kill);
    this.#process.once('exit', (code, signal) => {
      process.off('exit', kill);
      for (const waiting of this.#waiting.values())
        waiting.reject(new Error(`${module.pathname} ended with ${code ?? signal}`));
    });
  }

  /** Asks the child. @throws Error with its error's stack, or when it has ended */
  async call<Name extends keyof Answered & string>(
    name: Name,
    argument?: Parameters<Answered[Name]>[0],
  ): Promise<Awaited<ReturnType<Answered[Name]>>> {
    this.#calls += 1;
    const request: Request = { id: this.#calls, name, argument };
    const waiting = Promise.withResolvers<unknown>();
    this.#waiting.set(request.id, waiting);
    this.#process.send(request, (error) => error && waiting.reject(error));
    return (await waiting.promise) as Awaited<ReturnType<Answered[Name]>>;
  }

  /** Holds the process, so that it takes no processor time, and lets it go on. */
  hold(): void {
    this.#process.kill('SIGSTOP');
  }
  goOn(): void {
    this.#process.kill('SIGCONT');
  }

  /** Ends the process as a failing machine does, without a word. */
  async kill(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const exited = once(this.#process, 'exit');
    this.#process.kill('SIGKILL');
    await exited;
  }
}

/** In a child process: answers calls until the parent is gone. */
export function answerCalls(calls: Calls): void {
  process.on('message', async ({ id, name, argument }: Request) => {
    try {
      const value: unknown = await calls[name]?.(argument as never);
      process.send?.({ id, value } satisfies Answer);
    } catch (error) {
      const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
      process.send?.({ id, error: text } satisfies Answer);
    }
  });
  process.once('disconnect', () => process.exit());
}
