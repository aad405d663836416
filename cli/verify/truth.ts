// Truth files: the expected count of every (entity, minute).
import { existsSync } from 'node:fs';
import { linesOf } from '../../formats/lines.ts';
import { utf8Of } from '../../formats/reading.ts';
import { callersPath } from '../paths.ts';
import { UsageError } from '../shared/errors.ts';
import { openSource } from '../source/source.ts';

/** Expected counts of one entity: epoch seconds of a minute → count. Minutes without events are omitted. */
export type MinuteCounts = Map<number, number>;

export interface Truth {
  readonly file: string;
  readonly entities: ReadonlyMap<string, MinuteCounts>;
  /** Sum of all counts, and number of (entity, minute) rows with a count. */
  readonly total: number;
  readonly rows: number;
  /** First and last minute of all rows (epoch seconds), including rows without a count. */
  readonly firstMinute: number;
  readonly lastMinute: number;
}

export type TruthColumn = 'views' | 'hits';

/** Column numbers of `minute, entity, views, hits`, from 0. */
const columnIndex = { views: 2, hits: 3 } as const;
const SUFFIXES = ['', '.entity_minute.tsv.gz', '.entity_minute.tsv'] as const;

/** Reads `FILE`, or `FILE.entity_minute.tsv(.gz)`. Throws UsageError if it is missing or invalid. */
export async function readTruth(name: string, column: TruthColumn): Promise<Truth> {
  const file = existing(name);
  const source = await openSource(file);
  const entities = new Map<string, MinuteCounts>();
  let total = 0;
  let rows = 0;
  let firstMinute = Number.POSITIVE_INFINITY;
  let lastMinute = Number.NEGATIVE_INFINITY;
  for await (const line of linesOf(source.chunks())) {
    const values = utf8Of(line.bytes)?.split('\t');
    if (!values)
      throw new UsageError(`${file}:${line.number}: the entity is not UTF-8, so the service cannot have it`);
    const [minute, count] = [numberIn(values[0]), numberIn(values[columnIndex[column]])];
    const entity = values[1];
    if (!entity || !Number.isInteger(minute) || minute % 60 !== 0 || !Number.isInteger(count)) {
      throw new UsageError(`${file}:${line.number}: expected: epoch of a minute, entity, views, hits`);
    }
    firstMinute = Math.min(firstMinute, minute);
    lastMinute = Math.max(lastMinute, minute);
    // Query the entity even without a count: the service must not have one either.
    const minutes = entities.get(entity) ?? new Map<number, number>();
    entities.set(entity, minutes);
    if (count === 0) continue;
    minutes.set(minute, (minutes.get(minute) ?? 0) + count);
    total += count;
    rows += 1;
  }
  if (entities.size === 0) throw new UsageError(`${file} is empty`);
  return { file, entities, total, rows, firstMinute, lastMinute };
}

/** `Number` would read an empty field as 0, and nothing would be compared. */
function numberIn(field = ''): number {
  return field.trim() === '' ? Number.NaN : Number(field);
}

function existing(name: string): string {
  const file = SUFFIXES.map((suffix) => callersPath(`${name}${suffix}`)).find((path) => existsSync(path));
  if (file !== undefined) return file;
  throw new UsageError(`there is no truth file ${name}, ${name}${SUFFIXES[1]} or ${name}${SUFFIXES[2]}`);
}
