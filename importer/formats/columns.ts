// Columns separated by spaces or tabs, as awk sees them.

import { ignored, type LineReader, malformed, utf8FromLatin1 } from './reading.ts';
import { parseTime, type TimeUnit } from './time.ts';

export interface ColumnsSettings {
  /** Counted from 1. */
  readonly entityColumn: number;
  readonly timeColumn: number;
  readonly timeUnit: TimeUnit;
  /** Lines that begin with it are comments. */
  readonly comment: string | undefined;
}

export function columnsReader(settings: ColumnsSettings): LineReader {
  const { entityColumn, timeColumn, timeUnit, comment } = settings;
  const comment1 = comment === undefined ? undefined : Buffer.from(comment).toString('latin1');
  return {
    read(bytes) {
      const text = bytes.toString('latin1');
      if (comment1 !== undefined && text.startsWith(comment1)) return ignored;
      const values = text.replace(/^[ \t]+/, '').split(/[ \t]+/);
      const latin1 = values[entityColumn - 1];
      const time = values[timeColumn - 1];
      if (!latin1 || !time)
        return malformed(`it has fewer than ${Math.max(entityColumn, timeColumn)} columns`);
      const entity = utf8FromLatin1(latin1);
      if (entity === undefined)
        return malformed('the entity is not UTF-8, the only encoding the service takes');
      const at = parseTime(time, timeUnit);
      return at === undefined
        ? malformed(`column ${timeColumn} holds no time (unit ${timeUnit})`)
        : { kind: 'event', entity, at };
    },
  };
}
