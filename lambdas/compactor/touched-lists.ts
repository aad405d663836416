// What a shard's segments touch, read some at once and shown to a sweep.
import type pLimit from 'p-limit';
import type { ShardKey } from '../counting/identifiers.ts';
import type { SegmentEntry } from '../counting/segment-entry.ts';
import type { Sweep } from '../counting/sweep.ts';
import type { LevelLedger } from '../level-ports.ts';

/** What is known of an entry whose list is to be read. */
type Entry = Pick<SegmentEntry, 'segment' | 'touchedChunks' | 'parts'>;

/** Shards are looked at side by side; so each has this share of all that is under way. */
const SHARE = 8;

/** The lists of one shard in one pass. */
export class TouchedLists {
  readonly #shard: ShardKey;
  readonly #from: number;
  readonly #atOnce: number;
  readonly #progress: Pick<LevelLedger, 'readTouched'>;
  readonly #sweep: Sweep;
  readonly #reading: ReturnType<typeof pLimit>;
  #waiting: Entry[] = [];
  /** Segments whose lists were there, and others: gone, or from before segments kept what they touch. */
  readable = 0;
  missing = 0;
  /** No item that was shown has a larger hash; -1 when none was. */
  lastHash = -1;

  /** @param from items with a hash below this are done already. @param concurrency of the compactor as a whole */
  constructor(
    shard: ShardKey,
    from: number,
    concurrency: number,
    progress: Pick<LevelLedger, 'readTouched'>,
    sweep: Sweep,
    reading: ReturnType<typeof pLimit>,
  ) {
    this.#shard = shard;
    this.#from = from;
    this.#atOnce = Math.ceil(concurrency / SHARE);
    this.#progress = progress;
    this.#sweep = sweep;
    this.#reading = reading;
  }

  /** Shows what a segment touches, soon. @returns whether all that was given is shown now */
  async show(entry: Entry): Promise<boolean> {
    this.#waiting.push(entry);
    if (this.#waiting.length < this.#atOnce) return false;
    await this.showRest();
    return true;
  }

  /** Shows what is left. */
  async showRest(): Promise<void> {
    const entries = this.#waiting;
    this.#waiting = [];
    await Promise.all(entries.map((entry) => this.#reading(() => this.#show(entry))));
  }

  async #show(entry: Entry): Promise<void> {
    const chunks = await this.#progress.readTouched(this.#shard, entry);
    if (chunks === undefined || (chunks.length === 0 && entry.parts.length > 0)) {
      this.missing += 1;
      return;
    }
    this.readable += 1;
    for (const chunk of chunks) this.lastHash = Math.max(this.lastHash, this.#sweep.add(chunk, this.#from));
  }
}
