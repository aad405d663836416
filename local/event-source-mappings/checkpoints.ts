// The position in each shard, kept in a file. Losing it is harmless: reading restarts at the oldest record.
import { readFileSync, renameSync, writeFileSync } from 'node:fs';

/** The position in one shard. */
export interface Checkpoint {
  /** The last record handled; absent if there is none. */
  readonly sequenceNumber?: string;
  /** True when the shard is closed and handled to its end. */
  readonly drained: boolean;
}

/** The checkpoints of one mapping. */
export type Checkpoints = ReturnType<typeof openCheckpoints>;

/** Opens a checkpoint file, or starts without one; without a path, checkpoints are in memory only. */
export function openCheckpoints(path: string | undefined) {
  const checkpoints = new Map<string, Checkpoint>(path === undefined ? [] : read(path));
  return {
    get: (shardId: string): Checkpoint | undefined => checkpoints.get(shardId),
    set: (shardId: string, checkpoint: Checkpoint): void => {
      checkpoints.set(shardId, checkpoint);
      if (path === undefined) return;
      try {
        writeFileSync(`${path}.new`, JSON.stringify(Object.fromEntries(checkpoints)));
        renameSync(`${path}.new`, path);
      } catch {
        // A lost checkpoint causes a second delivery, which the pipeline must tolerate anyway.
      }
    },
  };
}

function read(path: string): [string, Checkpoint][] {
  try {
    return Object.entries(JSON.parse(readFileSync(path, 'utf8')) as Record<string, Checkpoint>);
  } catch {
    return [];
  }
}
