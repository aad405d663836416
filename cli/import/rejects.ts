// Writes the lines that were not imported to a file, so that they can be inspected and corrected.
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { finished } from 'node:stream/promises';
import { messageOf, UsageError } from '../shared/errors.ts';
import type { Reject } from './outcomes.ts';

export type RejectsFile = Awaited<ReturnType<typeof rejectsFile>>;

/**
 * A file of lines `FILE:LINE<tab>offset<tab>kind<tab>reason<tab>the original line`. Each import replaces it, since each reads
 * the whole file again.
 */
export async function rejectsFile(path: string) {
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
