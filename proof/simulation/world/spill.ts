// Rows that a recount sets aside, in memory; what was not flushed is lost with `cut`.
import type { RecountState, RowSpill } from '../../../lambdas/recount/ports.ts';

/** What a dead recount left behind. */
export interface Saved {
  state: RecountState | undefined;
  spill: MemorySpill | undefined;
}

/** Rows set aside in memory. */
export class MemorySpill implements RowSpill {
  #kept = new Map<number, Uint8Array[]>();
  #waiting: [number, Uint8Array][] = [];
  readonly parts: number;

  constructor(parts: number) {
    this.parts = parts;
  }

  get waiting(): number {
    return this.#waiting.reduce((sum, [, { byteLength }]) => sum + byteLength, 0);
  }

  append(part: number, frame: Uint8Array): void {
    this.#waiting.push([part, frame]);
  }

  async flush(): Promise<readonly number[]> {
    for (const [part, frame] of this.#waiting.splice(0))
      this.#kept.set(part, [...(this.#kept.get(part) ?? []), frame]);
    return Array.from({ length: this.parts }, (_, part) => this.#kept.get(part)?.length ?? 0);
  }

  async *frames(part: number): AsyncIterable<Uint8Array> {
    yield* this.#kept.get(part) ?? [];
  }

  /** Keeps only what the state knows, as after a crash. */
  cut(lengths: readonly number[]): void {
    this.#waiting = [];
    for (const [part, frames] of this.#kept) this.#kept.set(part, frames.slice(0, lengths[part] ?? 0));
  }
}
