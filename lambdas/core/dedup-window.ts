// The dedup window of a shard in memory: the ids of a contiguous run of its segments.
import { ID_BYTES, type IdHash, SeenIds } from './seen-ids.ts';

/** Whether an event id was seen inside the window. */
export interface DedupView {
  /** @param id an event id's hash */
  seen(id: IdHash): boolean;
}

/** Segments must enter a window contiguously. */
export class WindowHole extends Error {
  override readonly name = 'WindowHole';
}

/**
 * The ids of segments `from..to` of one shard. Keyed by segment, so that a segment never matches its own ids or later ones:
 * a failed attempt that had rolled up must not turn its own events into duplicates on retry.
 */
export class ShardWindow {
  readonly #ids: SeenIds;
  readonly #runMaxMs = new Map<number, number>();
  #from = 0;
  #to = 0;
  /** Running maximum of arrivals of the segment before `from`, if it was read. */
  olderRunMaxMs: number | undefined = undefined;

  /** @param expected approximate number of ids */
  constructor(expected = 0) {
    this.#ids = new SeenIds(expected);
  }

  /** First segment held; 0 when the window is empty. */
  get from(): number {
    return this.#from;
  }

  /** Last segment held; 0 when the window is empty. */
  get to(): number {
    return this.#to;
  }

  /** Number of ids held. */
  get size(): number {
    return this.#ids.size;
  }

  /**
   * Adds a segment's ids.
   * @param segment the segment after the last one held, or the one before the first
   * @param runMaxMs the running maximum of arrival times up to and including this segment, epoch milliseconds
   * @param ids packed hashes from `SegmentIds`
   */
  add(segment: number, runMaxMs: number, ids: Uint8Array): void {
    if (this.#to !== 0 && segment !== this.#to + 1 && segment !== this.#from - 1) {
      throw new WindowHole(`segment ${segment} does not touch ${this.#from}..${this.#to}`);
    }
    const view = new DataView(ids.buffer, ids.byteOffset, ids.byteLength);
    for (let at = 0; at + ID_BYTES <= ids.byteLength; at += ID_BYTES) {
      this.#ids.note(view.getUint32(at), view.getUint32(at + 4), segment);
    }
    this.#runMaxMs.set(segment, runMaxMs);
    if (this.#from === 0 || segment < this.#from) {
      this.#from = segment;
      this.olderRunMaxMs = undefined;
    }
    if (segment > this.#to) this.#to = segment;
  }

  /** Whether the window holds every earlier segment that `since(sinceMs)` needs. */
  reachesBackTo(sinceMs: number): boolean {
    if (this.#from <= 1) return this.#from === 1;
    if ((this.#runMaxMs.get(this.#from) as number) < sinceMs) return true;
    return this.olderRunMaxMs !== undefined && this.olderRunMaxMs < sinceMs;
  }

  /**
   * The window of arrivals since `sinceMs`: the longest run of latest segments whose running maximum of arrivals reaches
   * it. The running maximum never steps back, unlike a segment's own last arrival, so the run is contiguous and the same
   * for a warm container and a cold one.
   */
  since(sinceMs: number): DedupView {
    let first = this.#to + 1;
    while (first > this.#from && (this.#runMaxMs.get(first - 1) ?? Number.NEGATIVE_INFINITY) >= sinceMs)
      first -= 1;
    this.#forgetWellBefore(first);
    return { seen: (id) => this.#ids.latestSegment(id) >= Math.max(first, 1) };
  }

  /** Rebuilding takes a pass over all ids, so it waits until at least half of the segments have left the window. */
  #forgetWellBefore(first: number): void {
    if (first - this.#from <= this.#to - first + 16) return;
    this.olderRunMaxMs = this.#runMaxMs.get(first - 1);
    this.#ids.forgetBefore(first);
    for (let old = this.#from; old < first; old += 1) this.#runMaxMs.delete(old);
    if (first > this.#to) {
      this.#to = 0;
      this.#from = 0;
      this.olderRunMaxMs = undefined;
      return;
    }
    this.#from = first;
  }
}

/** A view that has seen an id if any of the given views has. */
export function anyOf(views: readonly DedupView[]): DedupView {
  const [only] = views;
  if (only !== undefined && views.length === 1) return only;
  return { seen: (id) => views.some((view) => view.seen(id)) };
}

/** The distinct ids of one segment, in order of first appearance. */
export class SegmentIds {
  readonly #seen: SeenIds;
  #packed: Uint8Array;
  #view: DataView;

  /** @param expected approximate number of ids */
  constructor(expected = 0) {
    this.#seen = new SeenIds(expected);
    this.#packed = new Uint8Array(ID_BYTES * Math.max(expected, 64));
    this.#view = new DataView(this.#packed.buffer);
  }

  /** Adds an id's hash. @returns false when the segment already has it */
  add({ high, low }: IdHash): boolean {
    const at = this.#seen.size * ID_BYTES;
    if (!this.#seen.note(high, low, 1)) return false;
    if (at === this.#packed.length) this.#grow();
    this.#view.setUint32(at, high);
    this.#view.setUint32(at + 4, low);
    return true;
  }

  /** The ids as the ledger stores them: 8 bytes each, big-endian. */
  packed(): Uint8Array {
    return this.#packed.slice(0, this.#seen.size * ID_BYTES);
  }

  #grow(): void {
    const larger = new Uint8Array(this.#packed.length * 2);
    larger.set(this.#packed);
    this.#packed = larger;
    this.#view = new DataView(larger.buffer);
  }
}
