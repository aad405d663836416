// Opens an input file, plain or gzip by its first bytes, as a stream of uncompressed chunks.
import { createReadStream, type Stats } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { gunzipped, gzipFailure, isGzip, MAGIC_BYTES } from '../../formats/bytes.ts';
import { FormatError } from '../../formats/reading.ts';
import { callersPath } from '../paths.ts';
import { messageOf, SourceError, systemCode, UsageError } from '../shared/errors.ts';

/** A file that can be read several times from its beginning. */
export interface Content {
  /** The name as the user gave it. */
  readonly name: string;
  /** The absolute path. */
  readonly path: string;
  /** The uncompressed bytes from the beginning. Throws SourceError if the file becomes unreadable. */
  chunks(): AsyncGenerator<Buffer>;
}

/** An input file. */
export interface Source extends Content {
  /** Where it is on disk, whatever its name, and its size there, compressed if it is. */
  readonly stats: Pick<Stats, 'dev' | 'ino' | 'size'>;
  /** Bytes of the file on disk consumed by the newest `chunks()`, for a progress bar. */
  bytesRead(): number;
}

const CHUNK_BYTES = 256 * 1024;

/** Opens a file for reading. Throws UsageError or FormatError if it is missing or of an unsupported kind. */
export async function openSource(name: string): Promise<Source> {
  const path = callersPath(name);
  const magic = Buffer.alloc(MAGIC_BYTES);
  let stats: Stats;
  let gzip: boolean;
  try {
    stats = await stat(path);
    if (!stats.isFile()) throw new UsageError(`${name} is not a file`);
    const handle = await open(path);
    const { bytesRead } = await handle.read(magic, 0, MAGIC_BYTES, 0).finally(() => handle.close());
    gzip = isGzip(magic.subarray(0, bytesRead), name);
  } catch (error) {
    if (error instanceof UsageError || error instanceof FormatError) throw error;
    const reason = systemCode(error) === 'ENOENT' ? 'there is no such file' : messageOf(error);
    throw new UsageError(`cannot read ${name}: ${reason}`, { cause: error });
  }
  let bytesRead = 0;

  async function* openAt(start: number): AsyncGenerator<Buffer> {
    for await (const chunk of createReadStream(path, { highWaterMark: CHUNK_BYTES, start })) {
      bytesRead += chunk.length;
      yield chunk;
    }
  }

  async function* chunks(): AsyncGenerator<Buffer> {
    bytesRead = 0;
    try {
      yield* gzip ? gunzipped(openAt, name) : openAt(0);
    } catch (error) {
      if (error instanceof FormatError) throw error;
      throw new SourceError(`${name} cannot be read to its end: ${gzipFailure(error) ?? messageOf(error)}`, {
        cause: error,
      });
    }
  }

  return { name, path, stats, bytesRead: () => bytesRead, chunks };
}

/** Whether a file begins with all the bytes of another. */
export async function beginsWith(longer: Content, shorter: Content): Promise<boolean> {
  await using theirs = longer.chunks();
  let held = Buffer.alloc(0);
  for await (const chunk of shorter.chunks()) {
    while (held.length < chunk.length) {
      const { done, value } = await theirs.next();
      if (done === true) return false;
      held = Buffer.concat([held, value]);
    }
    if (!held.subarray(0, chunk.length).equals(chunk)) return false;
    held = held.subarray(chunk.length);
  }
  return true;
}
