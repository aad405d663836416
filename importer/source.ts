// Opens an input file, plain or gzip by its first bytes, as a stream of uncompressed chunks.

import { createReadStream } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { pipeline } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { messageOf, SourceError, systemCode, UsageError } from './errors.ts';

/** An input file that can be read several times from its beginning. */
export interface Source {
  /** The name as the user gave it. */
  readonly name: string;
  /** The absolute path. */
  readonly path: string;
  /** Size on disk, compressed if it is. */
  readonly sizeBytes: number;
  /** Bytes of the file on disk consumed by the newest `chunks()`, for a progress bar. */
  bytesRead(): number;
  /** The uncompressed bytes from the beginning. Throws SourceError where the file can not be read on. */
  chunks(): AsyncGenerator<Buffer>;
}

const chunkBytes = 256 * 1024;

/** Compressions that are recognised only to say so. */
const foreignMagics: readonly (readonly [string, string])[] = [
  ['504b0304', 'zip'],
  ['28b52ffd', 'zstd'],
  ['fd377a58', 'xz'],
  ['425a68', 'bzip2'],
];

/** Looks at a file and prepares reading it. Throws UsageError if it is missing or of a compression it can not read. */
export async function openSource(name: string): Promise<Source> {
  const path = resolve(name);
  const magic = Buffer.alloc(4);
  let sizeBytes: number;
  try {
    const info = await stat(path);
    if (!info.isFile()) throw new UsageError(`${name} is not a file`);
    sizeBytes = info.size;
    const handle = await open(path);
    await handle.read(magic, 0, 4, 0).finally(() => handle.close());
  } catch (error) {
    if (error instanceof UsageError) throw error;
    const reason = systemCode(error) === 'ENOENT' ? 'there is no such file' : messageOf(error);
    throw new UsageError(`cannot read ${name}: ${reason}`, { cause: error });
  }
  const hex = magic.toString('hex');
  const foreign = foreignMagics.find(([start]) => hex.startsWith(start));
  if (foreign)
    throw new UsageError(`${name} is compressed with ${foreign[1]}; only gzip and plain files are read`);
  const gzip = hex.startsWith('1f8b');
  let bytesRead = 0;

  async function* chunks(): AsyncGenerator<Buffer> {
    bytesRead = 0;
    const file = createReadStream(path, { highWaterMark: chunkBytes });
    file.on('data', (chunk) => {
      bytesRead += chunk.length;
    });
    file.pause();
    // The callback is there so that pipeline throws nothing by itself: the loop below meets the same error.
    const stream = gzip ? pipeline(file, createGunzip({ chunkSize: chunkBytes }), () => undefined) : file;
    try {
      for await (const chunk of stream) {
        if (Buffer.isBuffer(chunk)) yield chunk;
      }
    } catch (error) {
      throw new SourceError(`${name} cannot be read on: ${readFailure(error)}`, { cause: error });
    } finally {
      file.destroy();
    }
  }

  return { name, path, sizeBytes, bytesRead: () => bytesRead, chunks };
}

function readFailure(error: unknown): string {
  if (systemCode(error) === 'Z_BUF_ERROR') return 'its gzip data is cut off (unexpected end of file)';
  if (systemCode(error)?.startsWith('Z_')) return `its gzip data is damaged (${messageOf(error)})`;
  return messageOf(error);
}

/** The first bytes of the uncompressed file: `bytesMax` of them, or all where it is shorter. */
export async function readHead(source: Source, bytesMax: number): Promise<Buffer> {
  const parts: Buffer[] = [];
  let length = 0;
  for await (const chunk of source.chunks()) {
    parts.push(chunk);
    length += chunk.length;
    if (length >= bytesMax) break;
  }
  return Buffer.concat(parts).subarray(0, bytesMax);
}
