// What the collector needs from outside: objects, where it got with each, the stream, and a place for what it gives up.

/** Which objects of which bucket are logs, and how their lines are counted. */
export interface AccessLog {
  readonly bucket: string;
  readonly prefix: string;
  /** A format's name, or `auto`. */
  readonly format: string;
  readonly metric: string;
  /** Conditions as `tally import --where` takes them; empty: those of the format. */
  readonly filter: string;
  /** The field that names the entity; empty: the format's own. */
  readonly entity: string;
  /** The template of nginx or Apache; empty: none. */
  readonly logFormat: string;
}

/** An object by its content: the same bytes put again are the same object. */
export interface LogObject {
  readonly bucket: string;
  readonly key: string;
  readonly etag: string;
  readonly bytes: number;
}

/** Where reading goes on, as plain data. */
export interface Cursor {
  /** A place in the uncompressed bytes, where a batch begins. */
  readonly offset: number;
  readonly crc: number;
  readonly lines: number;
  readonly header?: readonly string[] | undefined;
}

/** What is remembered of an object. */
export interface Progress {
  readonly status: 'reading' | 'done' | 'parked';
  readonly cursor: Cursor;
  /** How it is read: chosen once, as JSON; of one that was parked before anything was put, the settings it was parked by. */
  readonly plan: string;
  /** Since when batches after the cursor may have been put (epoch ms); undefined: none was. */
  readonly sinceMs: number | undefined;
  /** Which run noted it. */
  readonly run: string | undefined;
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
    /** The object's bytes from an offset on. Throws ObjectGone if it is not there, or has other content now. */
    open(object: LogObject, offset: number, bytesMax?: number): Promise<AsyncIterable<Uint8Array>>;
  };
  readonly progress: {
    read(object: LogObject): Promise<Progress | undefined>;
    /**
     * Notes where reading got.
     * @param owner the run that noted it last, as far as is known
     * @returns false if another run has noted something since
     */
    save(object: LogObject, progress: Progress, owner: string | undefined): Promise<boolean>;
  };
  readonly stream: {
    /** Puts records; returns those that were not taken. */
    put(records: readonly BatchRecord[]): Promise<readonly BatchRecord[]>;
  };
  /** Tells operators of an object that is not counted, or not as it should be: a dead letter. */
  report(object: LogObject, reason: string, countedUpTo: Cursor): Promise<void>;
  /** What tells this run from all others. */
  readonly run: string;
  nowMs(): number;
  pause(ms: number): Promise<void>;
}

/** The object was deleted or replaced, and what replaced it was announced by itself. */
export class ObjectGone extends Error {
  override readonly name = 'ObjectGone';
}
