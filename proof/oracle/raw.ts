// The archive: objects never change, and every segment in the ledger has all of its records there, as the stream had them.
import type { World } from '../simulation/world/world.ts';
import { Violation } from './violation.ts';
import { isKeyOf } from './watermark.ts';

/** What the checker reads of a segment's entry. */
export interface SeenEntry {
  readonly segment: number;
  readonly first: string;
  readonly last: string;
  readonly lost: boolean;
}

/** Follows what the aggregator puts: raw and rejected records. */
export class ArchivedObjects {
  readonly #objects = new Map<string, string>();

  archived(key: string, body: string): void {
    if (!/^(raw|rejected)\//.test(key)) return;
    const known = this.#objects.get(key) ?? body;
    if (known !== body)
      throw new Violation('a segment has one output', `${key} was ${known} and now is ${body}`);
    this.#objects.set(key, body);
  }

  /** An entry became visible: from now on its segment may be recounted. */
  entryPut(shardKey: string, { segment, first, last, lost }: SeenEntry, world: World): void {
    if (lost) return;
    const name = `${shardKey}.${segment.toString(36)}`;
    const shard = world.stream.all().find(({ id }) => isKeyOf(shardKey, id));
    const records = (shard?.records ?? []).filter(
      ({ sequenceNumber }) =>
        BigInt(sequenceNumber) >= BigInt(first) && BigInt(sequenceNumber) <= BigInt(last),
    );
    const hours = [...new Set(records.map(({ arrivalMs }) => hourPath(arrivalMs)))].sort();
    const [firstHour = '', ...further] = hours;
    const missing = further.find((hour) => !this.#markerIn(`raw/${hour}/${name}.`));
    if (missing !== undefined)
      throw new Violation('raw records are archived', `${name} is not to be found under ${missing}`);
    const [, ...lines] = this.#objects.get(`raw/${firstHour}/${name}.ndjson.gz`)?.trimEnd().split('\n') ?? [];
    const wanted = records.map(({ sequenceNumber, arrivalMs, data }) =>
      JSON.stringify({ sequenceNumber, arrivalMs, data: Buffer.from(data).toString('base64') }),
    );
    if (lines.length !== wanted.length || lines.some((line, at) => line !== wanted[at]))
      throw new Violation(
        'raw records are archived',
        `${name} has an entry with ${wanted.length} records, and the archive has ${lines.length} under ${firstHour}: ${lines.join(' ')}`,
      );
  }

  #markerIn(start: string): boolean {
    return [...this.#objects.keys()].some((key) => key.startsWith(start));
  }
}

/** `2026/11/22/05` */
function hourPath(ms: number): string {
  return new Date(ms).toISOString().slice(0, 13).replace(/[-T]/g, '/');
}
