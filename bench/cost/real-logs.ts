// Real logs with published truths, for the cost benchmark. They are next to the repository, never in it.
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';

/** A log: the entity of each event, in the log's order, and how often each occurs, as counted by others. */
export type Log = NonNullable<ReturnType<typeof logOf>>;

/** The default location of the logs. */
export const DATA_FOLDER = fileURLToPath(new URL('../../../shared/data/', import.meta.url));

interface Source {
  readonly file: string;
  readonly metric: string;
  readonly headLines: number;
  entityOf(line: string): string;
}

/** The logs to look for. */
export const REAL_LOGS = {
  higgs: {
    file: 'snap_higgs-activity_time.txt.gz',
    metric: 'activity',
    headLines: 0,
    entityOf: (line) => line.split(' ')[1] ?? '',
  },
  thebutton: {
    file: 'reddit_thebutton-presses.csv.gz',
    metric: 'press',
    headLines: 1,
    entityOf: (line) => line.slice(line.indexOf(',') + 1) || '(none)',
  },
} as const satisfies Readonly<Record<string, Source>>;
export type RealLog = keyof typeof REAL_LOGS;

/** Reads a log; undefined when it is not on this machine. */
export function logOf(name: RealLog, folder: string) {
  const { file, metric, headLines, entityOf }: Source = REAL_LOGS[name];
  if (!existsSync(`${folder}/${file}`)) return undefined;
  const entities = linesOf(`${folder}/${file}`).slice(headLines).map(entityOf);
  const truth = linesOf(`${folder}/truth/${name}.entity.tsv.gz`).map((line): [string, number] => {
    const [entity = '', views] = line.split('\t');
    return [entity, Number(views)];
  });
  return { name, metric, entities, truth: new Map(truth) };
}

function linesOf(path: string): string[] {
  return gunzipSync(readFileSync(path)).toString('utf8').trimEnd().split('\n');
}
