// The collector's ports: objects, the progress of each, the stream, and dead letters.
import type { FormatTexts } from '../../formats/detect.ts';
import type { Position } from '../../formats/lines.ts';

/** Which objects in which bucket are logs, and how to count their lines. */
export interface AccessLog extends FormatTexts {
  readonly bucket: string;
  readonly prefix: string;
  readonly metric: string;
}

/** An object, identified by its content: the same bytes put again are the same object. */
export interface LogObject {
  readonly bucket: string;
  readonly key: string;
  readonly etag: string;
  readonly bytes: number;
}

/** The progress of an object. */
export interface Progress {
  readonly status: 'reading' | 'done' | 'parked';
  /** Where reading continues: an offset in the uncompressed bytes where a batch begins. */
  readonly cursor: Position;
  /** How it is read, as JSON: chosen once. If it was parked before anything was put, the settings that parked it. */
  readonly plan: string;
  /** Since when batches after the cursor may have been put (epoch ms); undefined: none were. */
  readonly sinceMs?: number | undefined;
  /** At most how many they are; undefined: as many as a run puts between two saves. */
  readonly doubtful?: number | undefined;
  /** The run that saved it. */
  readonly run?: string | undefined;
  readonly events: number;
  readonly malformed: number;
}

/** A batch as a record of the stream. */
export interface BatchRecord {
  readonly key: string;
  readonly data: string;
}

export interface CollectorPorts {
  readonly objects: {
    /** The object's bytes from an offset on. Throws ObjectGone if it is missing or its content has changed. */
    open(object: LogObject, offset: number, bytesMax?: number): Promise<AsyncIterable<Buffer>>;
  };
  readonly progress: {
    read(object: LogObject): Promise<Progress | undefined>;
    /**
     * Saves the progress.
     * @param last what was read or saved last; without a run: nothing
     * @returns false if it has changed since
     */
    save(object: LogObject, progress: Progress, last: Progress): Promise<boolean>;
  };
  readonly stream: {
    /** Puts records; returns those that were not accepted. */
    put(records: readonly BatchRecord[]): Promise<readonly BatchRecord[]>;
  };
  /** Reports an object that is not counted, or not completely: sends a dead letter. */
  report(object: LogObject, reason: string, countedUpTo: Position): Promise<void>;
  /** A unique id of this run. */
  readonly run: string;
  nowMs(): number;
  pause(ms: number): Promise<void>;
}

/** The object was deleted or replaced; a replacement is announced separately. */
export class ObjectGone extends Error {
  override readonly name = 'ObjectGone';
}
