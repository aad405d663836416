// Starts the attacked process, asks for its memory use, and notices if it dies.
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { VictimReport } from './victim-process.ts';

type Ready = Extract<VictimReport, { kind: 'ready' }>;
type Memory = Extract<VictimReport, { kind: 'memory' }>;

/** A local stack in a process of its own. */
export class Victim {
  readonly places: Ready;
  /** Complaints of the stack, which should never occur. */
  readonly problems: string[];
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, places: Ready, problems: string[]) {
    this.#child = child;
    this.places = places;
    this.problems = problems;
  }

  /** Starts it, and waits until it answers. @throws when it ends before */
  static async start(): Promise<Victim> {
    const child = fork(join(import.meta.dirname, 'victim-process.ts'), [], {
      execArgv: ['--expose-gc'],
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    const problems: string[] = [];
    child.stderr?.setEncoding('utf8').on('data', (text: string) => problems.push(text.slice(0, 500)));
    child.on('message', (report: VictimReport) => {
      if (report.kind === 'problem') problems.push(report.message);
    });
    const ended = once(child, 'exit').then(([code]) => {
      throw new Error(`the stack ended with ${code} before it was ready: ${problems.join('; ')}`);
    });
    ended.catch(() => {});
    const ready = new Promise<Ready>((resolve) => {
      child.on('message', (report: VictimReport) => {
        if (report.kind === 'ready') resolve(report);
      });
    });
    return new Victim(child, await Promise.race([ready, ended]), problems);
  }

  /** Whether the process is still the one that was started. */
  get alive(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  get url(): string {
    return `http://127.0.0.1:${this.places.port}`;
  }

  /** What it uses after collecting garbage. */
  async memory(): Promise<Memory> {
    const answer = new Promise<Memory>((resolve, reject) => {
      const hear = (report: VictimReport) => {
        if (report.kind !== 'memory') return;
        this.#child.off('message', hear);
        resolve(report);
      };
      this.#child.on('message', hear);
      this.#child.once('exit', () => reject(new Error('the stack has ended')));
    });
    this.#child.send('memory');
    return answer;
  }

  async stop(): Promise<void> {
    if (!this.alive) return;
    const exited = once(this.#child, 'exit');
    this.#child.send('stop');
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), 15_000);
    await exited;
    clearTimeout(timer);
  }
}
