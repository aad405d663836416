// A file's uncompressed bytes: plain or gzip, by its first bytes; other containers are recognised and refused.
import { pipeline } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { FormatError } from './reading.ts';

/** First bytes that identify the kind of file. */
export const MAGIC_BYTES = 512;
const CHUNK_BYTES = 256 * 1024;

/** Unsupported compressions and containers, by their first hexadecimal digits. */
const FOREIGN: readonly (readonly [RegExp, string])[] = [
  [/^504b0304/, 'a zip archive'],
  [/^(?:28b52ffd|5.2a4d18)/, 'compressed with zstd'],
  [/^fd377a58/, 'compressed with xz'],
  [/^425a68/, 'compressed with bzip2'],
  [/^(?:04224d18|02214c18)/, 'compressed with lz4'],
  [/^377abcaf/, 'a 7z archive'],
  [/^50415231/, 'a Parquet file'],
  [/^ff060000734e6150/, 'compressed with Snappy'],
  [/^1f(?:9d|a0)/, 'compressed with compress'],
  [/^(?:fffe|feff)/, 'UTF-16 text'],
];
const TAR_MAGIC_AT = 257;

/** @returns whether the bytes are gzip. @throws FormatError for an unsupported container or compression */
export function isGzip(head: Buffer, name: string): boolean {
  const hex = head.subarray(0, 10).toString('hex');
  const what = FOREIGN.find(([start]) => start.test(hex))?.[1] ?? (isTar(head) ? 'a tar archive' : undefined);
  if (what !== undefined)
    throw new FormatError(`${name} is ${what}; convert it first (plain UTF-8 and gzip files are read)`);
  return hex.startsWith('1f8b');
}

function isTar(head: Buffer): boolean {
  return head.subarray(TAR_MAGIC_AT, TAR_MAGIC_AT + 5).toString('latin1') === 'ustar';
}

/** The bytes of a file from an offset on. */
type OpenAt = (offset: number) => AsyncIterable<Buffer> | Promise<AsyncIterable<Buffer>>;

/**
 * The uncompressed bytes of a gzip file, skipping zeros between its members.
 * @throws Error if the data is damaged, truncated, or followed by something else
 */
export async function* gunzipped(open: OpenAt, name: string): AsyncGenerator<Buffer> {
  let isFirst = true;
  for (let offset: number | undefined = 0; offset !== undefined; ) {
    const gunzip = createGunzip({ chunkSize: CHUNK_BYTES });
    // The callback keeps pipeline from throwing: the loop below gets the same error.
    pipeline(await open(offset), gunzip, () => {});
    // When the loop ends, it destroys the stream, which ends the pipeline.
    for await (const chunk of gunzip as AsyncIterable<Buffer>) {
      if (isFirst && isGzip(chunk, name))
        throw new FormatError(`${name} is gzip within gzip: unpack it once first`);
      isFirst = false;
      yield chunk;
    }
    // Node reads consecutive members, but stops at zeros as if the file ended there.
    offset = await nextMember(open, name, offset + gunzip.bytesWritten);
  }
}

async function nextMember(open: OpenAt, name: string, from: number): Promise<number | undefined> {
  let offset = from;
  for await (const chunk of await open(from)) {
    const at = chunk.findIndex((byte) => byte !== 0);
    if (chunk[at] === 0x1f) return offset + at;
    if (at !== -1) throw new FormatError(`${name}: data that is not gzip follows at byte ${offset + at}`);
    offset += chunk.length;
  }
  return undefined;
}

/** Why gzip data cannot be read further, in words; undefined for any other error. */
export function gzipFailure(error: unknown): string | undefined {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'Z_BUF_ERROR') return 'its gzip data is cut off (unexpected end of file)';
  return typeof code === 'string' && code.startsWith('Z_')
    ? `its gzip data is damaged (${(error as Error).message})`
    : undefined;
}
