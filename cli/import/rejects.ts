// Writes the lines that were not imported to a file, so that they can be inspected and corrected.
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { finished } from 'node:stream/promises';
import { callersPath } from '../paths.ts';
import { messageOf, UsageError } from '../shared/errors.ts';
import type { Reject } from './figures.ts';

export type RejectsFile = Awaited<ReturnType<typeof rejectsFile>>;

/**
 * A file of lines `FILE:LINE<tab>offset<tab>kind<tab>reason<tab>the original line`. Each import replaces it, since each reads
 * the whole file again.
 * @param inputs files that it must not be, by any name
 */
export async function rejectsFile(path: string, inputs: readonly string[]) {
  for (const input of inputs)
    if (await isSameFile(path, callersPath(input)))
      throw new UsageError(`--rejects would overwrite ${path}, one of the logs to read: name another file`);
  const stream = createWriteStream(path);
  await once(stream, 'open').catch((cause: unknown) => {
    throw new UsageError(`cannot write ${path}: ${messageOf(cause)}`, { cause });
  });
  // The next write, or the end, throws it.
  stream.on('error', () => {});
  return {
    async write(fileName: string, { kind, lineNumber, offset, reason, raw }: Reject): Promise<void> {
      if (stream.errored) throw stream.errored;
      stream.write(`${fileName}:${lineNumber}\t${offset}\t${kind}\t${reason}\t`);
      stream.write(raw);
      if (!stream.write('\n')) await once(stream, 'drain');
    },
    close: (): Promise<void> => finished(stream.end()),
  };
}

async function isSameFile(path: string, other: string): Promise<boolean> {
  const [one, two] = await Promise.all([path, other].map((name) => stat(name).catch(() => undefined)));
  if (one === undefined || two === undefined) return path === other;
  return one.ino === two.ino && one.dev === two.dev;
}
