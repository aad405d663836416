// Standard error, for people: a progress bar, and the question before a destructive action.
import { createInterface } from 'node:readline/promises';
import cliProgress from 'cli-progress';
import { UsageError } from './errors.ts';

/** How far a phase of a command is. */
interface Progress {
  readonly phase: string;
  readonly done: number;
  readonly of: number;
}

/** A bar on a terminal, otherwise a line for each phase. */
export function progressBar(): { show(progress: Progress): void; stop(): void } {
  let phase = '';
  if (!process.stderr.isTTY) {
    const show = (progress: Progress) => {
      if (progress.phase !== phase) console.error(`${progress.phase} …`);
      phase = progress.phase;
    };
    return { show, stop: () => {} };
  }
  const bar = new cliProgress.SingleBar({
    format: '{phase} [{bar}] {percentage}% · {value} of {total}',
    hideCursor: true,
    clearOnComplete: true,
  });
  return {
    show: ({ phase: next, done, of }) => {
      if (next !== phase) {
        if (phase !== '') bar.stop();
        bar.start(of, done, { phase: next });
      }
      phase = next;
      bar.setTotal(of);
      bar.update(done, { phase: next });
    },
    stop: () => bar.stop(),
  };
}

/** Asks for a word. @throws UsageError without a terminal, or for another word */
export async function confirm(question: string, word: string, signal?: AbortSignal): Promise<void> {
  if (!process.stdin.isTTY || !process.stderr.isTTY)
    throw new UsageError(`${question} There is no terminal to ask on: add --yes to confirm.`);
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const answer = await terminal.question(`${question} Type "${word}" to go on: `, signal ? { signal } : {});
    if (answer.trim() !== word) throw new UsageError('Nothing was changed.');
  } finally {
    terminal.close();
  }
}
