// Writes the lines that were not imported to a file, so that they can be inspected and corrected.
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { UsageError } from '../shared/errors.ts';
import type { Reject } from './outcomes.ts';

export interface RejectsFile {
  write(fileName: string, reject: Reject): Promise<void>;
  close(): Promise<void>;
}

/**
 * A file of lines `FILE:LINE<tab>offset<tab>kind<tab>reason<tab>the original line`. Each import replaces it, since each reads
 * the whole file again.
 */
export async function rejectsFile(path: string): Promise<RejectsFile> {
  const stream = createWriteStream(path);
  try {
    await once(stream, 'open');
  } catch (error) {
    throw new UsageError(`cannot write ${path}: ${error instanceof Error ? error.message : error}`, {
      cause: error,
    });
  }
  let failure: unknown;
  stream.on('error', (error) => {
    failure = error;
  });
  return {
    async write(fileName, { kind, lineNumber, offset, reason, raw }) {
      if (failure) throw failure;
      stream.write(`${fileName}:${lineNumber}\t${offset}\t${kind}\t${reason}\t`);
      stream.write(raw);
      if (!stream.write('\n')) await Promise.race([once(stream, 'drain'), once(stream, 'close')]);
    },
    async close() {
      stream.end();
      if (!stream.closed) await once(stream, 'close');
      if (failure) throw failure;
    },
  };
}
