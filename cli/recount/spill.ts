// Spills rows to files, one per part: frames prefixed with their length.
import { appendFile, mkdir, readFile, rm, stat, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import type { RowSpill } from '../../lambdas/recount/ports.ts';

export class FileSpill implements RowSpill {
  readonly #folder: string;
  readonly #lengths: number[];
  #frames = new Map<number, Uint8Array[]>();
  #waiting = 0;

  private constructor(folder: string, lengths: readonly number[]) {
    this.#folder = folder;
    this.#lengths = [...lengths];
  }

  /** Opens a folder as of a saved state: truncates what was written later. @throws Error when a file is shorter */
  static async open(folder: string, lengths: readonly number[]): Promise<FileSpill> {
    await mkdir(folder, { recursive: true });
    const spill = new FileSpill(folder, lengths);
    for (const [part, length] of lengths.entries()) {
      const file = spill.#file(part);
      const { size } = await stat(file).catch(() => ({ size: 0 }));
      if (size < length)
        throw new Error(`${file} does not belong to the state file: delete both and start again.`);
      if (size > length) await truncate(file, length);
    }
    return spill;
  }

  get waiting(): number {
    return this.#waiting;
  }

  append(part: number, frame: Uint8Array): void {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(frame.byteLength);
    const frames = this.#frames.get(part);
    if (frames === undefined) this.#frames.set(part, [length, frame]);
    else frames.push(length, frame);
    this.#waiting += frame.byteLength + 4;
  }

  async flush(): Promise<readonly number[]> {
    const frames = this.#frames;
    this.#frames = new Map();
    this.#waiting = 0;
    for (const [part, pieces] of frames) {
      const bytes = Buffer.concat(pieces);
      await appendFile(this.#file(part), bytes);
      this.#lengths[part] = (this.#lengths[part] ?? 0) + bytes.length;
    }
    return [...this.#lengths];
  }

  async *frames(part: number): AsyncIterable<Uint8Array> {
    if ((this.#lengths[part] ?? 0) === 0) return;
    const bytes = await readFile(this.#file(part));
    for (let at = 0; at < bytes.length; ) {
      const end = at + 4 + bytes.readUInt32BE(at);
      yield bytes.subarray(at + 4, end);
      at = end;
    }
  }

  async remove(): Promise<void> {
    await rm(this.#folder, { recursive: true, force: true });
  }

  #file(part: number): string {
    return join(this.#folder, `part-${String(part).padStart(4, '0')}`);
  }
}
