// A folder, a front door and a clock that jumps instead of waiting: everything an import in this process needs.

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { noFigures } from '../../../importer/figures.ts';
import { httpClient } from '../../../importer/http-client.ts';
import { type ImportResult, importFile, type Reject } from '../../../importer/import-file.ts';
import { importOptions } from '../../../importer/options.ts';
import { openSource } from '../../../importer/source.ts';
import { FrontDoor } from './front-door.ts';

export interface ImportOutcome extends ImportResult {
  readonly rejects: Reject[];
  readonly notes: string[];
  readonly troubles: string[];
}

export class ImportWorld {
  readonly door: FrontDoor;
  readonly folder: string;
  nowMs = Date.parse('2026-01-01T00:00:00Z');
  /** Stops the running import, as Ctrl-C does; what is under way may end. */
  stop = new AbortController();
  /** Breaks off what is under way, as a second Ctrl-C does. */
  kill = new AbortController();

  private constructor(door: FrontDoor, folder: string) {
    this.door = door;
    this.folder = folder;
  }

  static async open(): Promise<ImportWorld> {
    return new ImportWorld(await FrontDoor.open(), await mkdtemp(join(tmpdir(), 'tally-import-')));
  }

  async close(): Promise<void> {
    await this.door.close();
    await rm(this.folder, { recursive: true, force: true });
  }

  path(name: string): string {
    return join(this.folder, name);
  }

  async write(name: string, content: string | Buffer): Promise<string> {
    await writeFile(this.path(name), content);
    return this.path(name);
  }

  /** Imports a file with the given options of the command line. */
  async import(path: string, ...args: string[]): Promise<ImportOutcome> {
    const options = importOptions([path, '--url', this.door.url, ...args], {
      XDG_STATE_HOME: this.path('home'),
    });
    if (options === 'help') throw new Error('not an import');
    const { settings, apiKey } = options;
    const { delivery, concurrency } = settings;
    const rejects: Reject[] = [];
    const notes: string[] = [];
    const troubles: string[] = [];
    const url = settings.target.url;
    const client = httpClient({ url, apiKey, timeoutMs: delivery.timeoutMs, connectionsMax: concurrency });
    const ports = {
      client,
      now: () => this.nowMs,
      random: () => 0.5,
      sleep: async (ms: number) => {
        this.nowMs += ms;
        await new Promise((resolve) => setImmediate(resolve));
      },
      stop: this.stop.signal,
      kill: this.kill.signal,
      trouble: (reason: string) => troubles.push(reason),
    };
    const reporter = {
      note: (text: string) => void notes.push(text),
      rejected: (reject: Reject) => void rejects.push(reject),
      progress: () => undefined,
    };
    try {
      const source = await openSource(path);
      const result = await importFile(source, settings, ports, reporter, noFigures());
      return { ...result, rejects, notes, troubles };
    } finally {
      client.close();
    }
  }
}

/** `count` lines of a combined log, every one a view; one second apart, all different. */
export function logLines(count: number, first = 0): string {
  return Array.from({ length: count }, (_, i) => logLine(first + i)).join('');
}

export function logLine(i: number, status = 200): string {
  const time = new Date(Date.parse('2026-01-01T00:00:00Z') + i * 1000).toISOString();
  const at = `01/Jan/2026:${time.slice(11, 19)} +0000`;
  return `10.0.0.1 - - [${at}] "GET /page/${i % 7}?n=${i} HTTP/1.1" ${status} 12 "-" "agent"\n`;
}
