// JSON lines: one object a line, entity and time in fields the user names.

import { type LineReader, malformed, utf8Of } from './reading.ts';
import { parseTime, type TimeUnit } from './time.ts';

export interface JsonlSettings {
  /** A field's name, or a path of names joined by dots. */
  readonly entityField: string;
  readonly timeField: string;
  readonly timeUnit: TimeUnit;
  /** What an empty value is counted as; without it such a line is rejected. */
  readonly emptyEntity: string | undefined;
}

/** A line without the entity's or the time's field is malformed: it reports nothing that could be counted. */
export function jsonlReader(settings: JsonlSettings): LineReader {
  const { entityField, timeField, timeUnit } = settings;
  return {
    read(bytes) {
      const text = utf8Of(bytes);
      if (text === undefined) return malformed('it is not UTF-8');
      let value: unknown;
      try {
        value = JSON.parse(text);
      } catch {
        return malformed('it is not JSON');
      }
      const found = textOf(fieldOf(value, entityField), text, entityField);
      const entity = found === '' ? (settings.emptyEntity ?? found) : found;
      if (entity === undefined) return malformed(`it has no text or number in field ${entityField}`);
      if (!entity.isWellFormed()) return malformed(`field ${entityField} holds half a surrogate pair`);
      const time = textOf(fieldOf(value, timeField), text, timeField);
      if (time === undefined) return malformed(`it has no text or number in field ${timeField}`);
      const at = parseTime(time, timeUnit);
      return at === undefined
        ? malformed(`field ${timeField} holds no time (unit ${timeUnit})`)
        : { kind: 'event', entity, at };
    },
  };
}

function fieldOf(value: unknown, path: string): unknown {
  if (!isObject(value)) return undefined;
  if (Object.hasOwn(value, path)) return value[path];
  const dot = path.indexOf('.');
  return dot === -1 ? undefined : fieldOf(value[path.slice(0, dot)], path.slice(dot + 1));
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function textOf(value: unknown, line: string, path: string): string | undefined {
  if (typeof value === 'string') return value;
  if (typeof value !== 'number') return undefined;
  return Number.isSafeInteger(value) ? String(value) : exactNumber(line, path);
}

interface Exact {
  readonly digits: string;
}

/** The digits as they stand in the line: an id beyond 2^53 must not become its neighbour. */
function exactNumber(line: string, path: string): string | undefined {
  const exact: unknown = JSON.parse(line, (_key, value: unknown, context?: { source?: string }) =>
    typeof value === 'number' ? ({ digits: context?.source ?? String(value) } satisfies Exact) : value,
  );
  const found = fieldOf(exact, path);
  return isObject(found) && typeof found['digits'] === 'string' ? found['digits'] : undefined;
}
