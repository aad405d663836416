// Standard error, for people: the progress bar, and the question before a destructive action.
import { createInterface } from 'node:readline/promises';
import cliProgress from 'cli-progress';
import { UsageError } from '../shared/errors.ts';

/** Shorter work ends before a bar could be read. */
const BAR_FROM = 10;

/** A progress bar; does nothing without a terminal. */
export function progressBar(total: number): { step(): void; end(): void } {
  if (!process.stderr.isTTY || total < BAR_FROM) return { step() {}, end() {} };
  const bar = new cliProgress.SingleBar({
    format: '[{bar}] {percentage}% · {value} of {total} dead letters · {eta} s left',
    hideCursor: true,
    clearOnComplete: true,
    stream: process.stderr,
  });
  bar.start(total, 0);
  return { step: () => bar.increment(), end: () => bar.stop() };
}

/** Asks for a word. @throws UsageError without a terminal, or for another word */
export async function confirm(question: string, word: string, signal: AbortSignal): Promise<void> {
  if (!process.stdin.isTTY || !process.stderr.isTTY)
    throw new UsageError(`${question} There is no terminal to ask on: add --yes to confirm.`);
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const answer = await terminal.question(`${question} Type "${word}" to go on: `, { signal });
    if (answer.trim() !== word) throw new UsageError('Nothing was changed.');
  } finally {
    terminal.close();
  }
}
