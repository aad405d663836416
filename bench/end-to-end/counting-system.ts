// What the benchmark asks of a system that counts, whichever it is.
import type { Target } from './sending.ts';

/** How a system is started. */
export interface SystemOptions {
  /** Folder for its data; undefined: in memory, as far as it can. */
  readonly dataDir?: string;
  /** Port of its front door; any free one by default. */
  readonly port?: number;
  /** Settings over those of the local stage; Tally's. */
  readonly settings?: Readonly<Record<string, number>>;
  /** Where Redis listens, for the system that uses it. */
  readonly redisPort?: number;
}

/** A running system. */
export interface CountingSystem {
  readonly target: Target;
  /** What it has counted, by `metric#entity`, read from where it keeps its counts. */
  counts(): Promise<Map<string, number>>;
  stop(): Promise<void>;
}

/** What a process has used until now, and what it has. */
export interface Usage {
  readonly cpuMs: number;
  readonly rssBytes: number;
}
