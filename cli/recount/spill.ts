// Spills rows to files, one per part: frames prefixed with their length.
import { appendFile, mkdir, readFile, rm, stat, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import type { RowSpill } from '../../lambdas/recount/ports.ts';

/** Opens a folder as of a saved state: truncates what was written later. @throws Error when a file is shorter */
export async function openSpill(
  folder: string,
  saved: readonly number[],
): Promise<RowSpill & { remove(): Promise<void> }> {
  const lengths = [...saved];
  let buffered = new Map<number, Uint8Array[]>();
  let waiting = 0;
  const fileOf = (part: number) => join(folder, `part-${String(part).padStart(4, '0')}`);
  await mkdir(folder, { recursive: true });
  for (const [part, length] of lengths.entries()) {
    const file = fileOf(part);
    const { size } = await stat(file).catch(() => ({ size: 0 }));
    if (size < length)
      throw new Error(`${file} does not belong to the state file: delete both and start again.`);
    if (size > length) await truncate(file, length);
  }
  return {
    get waiting() {
      return waiting;
    },
    append(part, frame) {
      const length = Buffer.alloc(4);
      length.writeUInt32BE(frame.byteLength);
      const pieces = buffered.get(part);
      if (pieces === undefined) buffered.set(part, [length, frame]);
      else pieces.push(length, frame);
      waiting += frame.byteLength + 4;
    },
    async flush() {
      const before = buffered;
      buffered = new Map();
      waiting = 0;
      for (const [part, pieces] of before) {
        const bytes = Buffer.concat(pieces);
        await appendFile(fileOf(part), bytes);
        lengths[part] = (lengths[part] ?? 0) + bytes.length;
      }
      return [...lengths];
    },
    async *frames(part) {
      if ((lengths[part] ?? 0) === 0) return;
      const bytes = await readFile(fileOf(part));
      for (let at = 0; at < bytes.length; ) {
        const end = at + 4 + bytes.readUInt32BE(at);
        yield bytes.subarray(at + 4, end);
        at = end;
      }
    },
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}
