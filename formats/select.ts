// Turns an entry into an event: which entries count, for which entity and metric, and when.
import { isEntity, isMetric } from '../lambdas/core/event.ts';
import { type Entry, FormatError, malformed, type Outcome, SKIPPED, words } from './reading.ts';
import { isCalendarNumber, parseTime, type TimeUnit } from './time.ts';

/** Which entries of a file count, and as what. */
export interface Selection {
  /** The field that names the entity; `path` is a request's target up to the first `?`. */
  readonly entity: string;
  /** Prefix to strip from the entity, if present. */
  readonly stripPrefix?: string | undefined;
  /** The entity is the first group of this regular expression's match; entries that do not match are skipped. */
  readonly entityRegex?: string | undefined;
  readonly lowercase?: boolean | undefined;
  /** The entity for entries without one; if undefined, such an entry is rejected. */
  readonly emptyEntity?: string | undefined;
  /** The field with the time; by default the format's own time. */
  readonly time?: string | undefined;
  readonly timeUnit: TimeUnit;
  /** Conditions, in the format of `parseWhere`. */
  readonly where: readonly string[];
  /** The field that names the metric, instead of one metric for all. */
  readonly metricField?: string | undefined;
}

/** Fields that contain a request's target; its query is not part of an entity. */
const TARGETS = words('uri request_uri request.uri url RequestPath request_path cs-uri');
const ENTITY_CHARACTERS_MAX = 512;
export const METRIC_RULE = 'a metric is 1 to 64 letters, digits, points, dashes and underscores';

/**
 * `FIELD=VALUE[|VALUE…]` or `FIELD!=…`; `2xx` is a class of status, `*` any run of characters.
 * @throws FormatError if it is invalid
 */
export function parseWhere(text: string) {
  const m = /^([^=!]+?)(!?=)([\s\S]*)$/.exec(text.trim());
  if (m === null)
    throw new FormatError(`--where takes FIELD=VALUE, such as status=2xx,method=GET, not "${text}"`);
  const [, field = '', sign, values = ''] = m;
  const pattern = values.split('|').map((value) => {
    const source = value.replace(/[\\^$.+?()[\]{}]/g, '\\$&').replaceAll('*', '[\\s\\S]*');
    return /^[1-5]xx$/i.test(value) ? `${value[0]}\\d\\d` : source;
  });
  const matches = new RegExp(`^(?:${pattern.join('|')})$`);
  const wanted = sign === '=';
  return { field, test: (value: string) => matches.test(value) === wanted };
}

/** Creates the function that turns entries into events. @throws FormatError for an invalid condition or regular expression */
export function selectorOf(selection: Selection, metric: string): (entry: Entry) => Outcome {
  const { entity: entityField, time: timeField, timeUnit, metricField, stripPrefix } = selection;
  const conditions = selection.where.map(parseWhere);
  const regex = selection.entityRegex === undefined ? undefined : regexOf(selection.entityRegex);
  const { lowercase = false, emptyEntity } = selection;

  function timeOf(entry: Entry): number | string {
    if (timeField === undefined) return entry.at ?? 'the time does not exist';
    const text = entry.field(timeField);
    if (text == null) return `it has no text or number in ${named(timeField)}`;
    const at = parseTime(text.trim(), timeUnit);
    if (at !== undefined) return at;
    return isCalendarNumber(text.trim()) && timeUnit === 'auto'
      ? `${text} in ${named(timeField)} looks like a date: --time-unit iso reads it as one, s or ms as an epoch`
      : `${named(timeField)} holds no time (unit ${timeUnit})`;
  }

  return (entry) => {
    const at = timeOf(entry);
    if (typeof at === 'string') return malformed(at);
    for (const { field, test } of conditions) {
      // A missing field is empty: it matches `field!=x` and `field=`.
      if (!test(entry.field(field) ?? '')) return SKIPPED;
    }
    const found = entry.field(entityField);
    if (found === null)
      return malformed('the entity is not UTF-8, the only encoding that the service accepts');
    if (found === undefined)
      return malformed(entityField === 'path' ? 'it has no request' : `it has no ${named(entityField)}`);
    let entity = found;
    const query = TARGETS.includes(entityField) ? entity.indexOf('?') : -1;
    if (query !== -1) entity = entity.slice(0, query);
    if (stripPrefix !== undefined && entity.startsWith(stripPrefix))
      entity = entity.slice(stripPrefix.length);
    if (regex !== undefined) {
      const group = regex.exec(entity)?.[1];
      if (group === undefined) return SKIPPED;
      entity = group;
    }
    if (lowercase) entity = entity.toLowerCase();
    if (entity === '' && emptyEntity !== undefined) entity = emptyEntity;
    const name = metricField === undefined ? metric : entry.field(metricField);
    const reason = entityProblem(entity);
    if (reason !== undefined) return { kind: 'rejected', reason };
    return isMetric(name)
      ? { kind: 'event', metric: name, entity, at }
      : { kind: 'rejected', reason: METRIC_RULE };
  };
}

function named(field: string): string {
  return /^\d+$/.test(field) ? `column ${field}` : `field ${field}`;
}

/** A regular expression with a group. @throws FormatError if it is none */
export function regexOf(text: string): RegExp {
  let regex: RegExp;
  try {
    regex = new RegExp(text, 'u');
  } catch (cause) {
    throw new FormatError(`--entity-regex: ${cause instanceof Error ? cause.message : cause}`, { cause });
  }
  if (new RegExp(`${text}|`, 'u').exec('')?.length === 1) {
    throw new FormatError('--entity-regex needs a group, such as ^/posts/(\\d+), which becomes the entity');
  }
  return regex;
}

/** Why the service would refuse an event with this entity; undefined if it is valid. */
export function entityProblem(entity: string): string | undefined {
  if (entity === '') return 'the entity is empty';
  if (!entity.isWellFormed()) return 'the entity holds half a character';
  if (isEntity(entity)) return undefined;
  return [...entity].length > ENTITY_CHARACTERS_MAX
    ? `the entity is longer than ${ENTITY_CHARACTERS_MAX} characters`
    : 'the entity holds a control character';
}
