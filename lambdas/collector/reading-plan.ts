// Chooses the setting for an object, and how to read it.
import { gunzipped } from '../../formats/bytes.ts';
import { readingPlan, requestOf, SAMPLE_BYTES } from '../../formats/detect.ts';
import { headOf } from '../../formats/lines.ts';
import type { ReadingPlan } from '../../formats/plan.ts';
import { FormatError } from '../../formats/reading.ts';
import { type FileRecord, isBad, RecordReader } from '../../formats/records.ts';
import type { AccessLog, CollectorPorts, LogObject } from './ports.ts';

/** A larger share of malformed lines at the beginning parks an object before anything of it is counted. */
const MALFORMED_HEAD_MAX = 0.5;
/** Test files that load balancers write to check their permission. */
const PROBES = /(?:^|\/)ELBAccessLogTestFile$/;

/** The setting for an object: the one with the longest matching prefix; undefined if it is not a log. */
export function accessLogOf(
  { bucket, key, bytes }: LogObject,
  logs: readonly AccessLog[],
): AccessLog | undefined {
  if (bytes === 0 || key.endsWith('/') || PROBES.test(key)) return undefined;
  return logs
    .filter((log) => log.bucket === bucket && key.startsWith(log.prefix))
    .toSorted((a, b) => b.prefix.length - a.prefix.length)[0];
}

/** @throws FormatError if most of the first lines do not match the format */
export async function planFor(
  object: LogObject,
  log: AccessLog,
  gzip: boolean,
  { objects }: CollectorPorts,
): Promise<ReadingPlan | undefined> {
  const open = (offset: number) => objects.open(object, offset);
  const chunks = gzip ? gunzipped(open, object.key) : await open(0);
  const { head, whole } = await headOf(chunks, SAMPLE_BYTES);
  const plan = readingPlan(requestOf(log), head, whole, object.key);
  if (plan === undefined) return undefined;
  const reader = new RecordReader(plan, log.metric);
  const records = [...reader.push(head), ...(whole ? reader.end() : [])];
  const malformed = records.reduce((sum, record) => sum + badOf(record), 0);
  if (malformed <= records.length * MALFORMED_HEAD_MAX) return plan;
  throw new FormatError(
    `${malformed} of its first ${records.length} lines are malformed, read as ${plan.format}`,
  );
}

/** Number of entries in a record that cannot be counted. */
export function badOf({ outcomes }: FileRecord): number {
  return outcomes.filter(isBad).length;
}
