// Removes what log shippers put around a line: syslog, the container runtime interface (CRI), Docker's JSON.
import { fieldsOf, jsonIn } from '../lambdas/core/json.ts';
import { IGNORED, type LineParser, MORE, malformed, type Parsed } from './reading.ts';

export const WRAPPERS = ['none', 'syslog', 'cri', 'docker'] as const;
export type Wrapper = (typeof WRAPPERS)[number];

/** A line without its wrapper; `partial` if the runtime split a long one, and the rest follows. */
interface Unwrapped {
  readonly bytes: Buffer;
  readonly partial: boolean;
}

/** RFC 5424 `<190>1 TIME host app pid msgid data message`, or RFC 3164 and rsyslog's `TIME host tag[pid]: message`. */
const RFC_5424 = /^(?:<\d{1,3}>)1 \S+ \S+ \S+ \S+ \S+ (?:-|(?:\[(?:[^\]\\]|\\.)*\])+) ?(?:\xef\xbb\xbf)?/;
const RFC_3164 =
  /^(?:<\d{1,3}>)?(?:[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d|\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:\d\d)) (?:\S+ )?[A-Za-z/][^\s:[\]]*(?:\[\d+\])?: /;
const CRI = /^\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:\d\d) (?:stdout|stderr) ([PF])\S* /;

/** By wrapper: the line without it; undefined if it has none of this kind. */
export const UNWRAP: Readonly<Record<Wrapper, (line: Buffer) => Unwrapped | undefined>> = {
  none: (bytes) => ({ bytes, partial: false }),
  syslog(line) {
    const text = line.toString('latin1');
    const m = RFC_5424.exec(text) ?? RFC_3164.exec(text);
    return m ? { bytes: line.subarray(m[0].length), partial: false } : undefined;
  },
  cri(line) {
    const m = CRI.exec(line.toString('latin1'));
    return m ? { bytes: line.subarray(m[0].length), partial: m[1] === 'P' } : undefined;
  },
  docker(line) {
    const log = dockerLog(line);
    if (log === undefined) return undefined;
    const [bytes, ends] = [Buffer.from(log.replace(/\r?\n$/, '')), log.endsWith('\n')];
    return { bytes, partial: !ends && bytes.length >= DOCKER_BYTES_MAX };
  },
};

/** Docker splits longer lines. */
const DOCKER_BYTES_MAX = 16_384;

function dockerLog(line: Buffer): string | undefined {
  const text = line.toString();
  if (!text.startsWith('{"log":')) return undefined;
  const { log, time } = fieldsOf(jsonIn(text)) ?? {};
  return typeof log === 'string' && typeof time === 'string' ? log : undefined;
}

/** Lines without their wrappers, with split lines joined; lines without a wrapper are skipped. */
export function unwrappedLines(lines: readonly Buffer[], wrapper: Wrapper): Buffer[] {
  const whole: Buffer[] = [];
  let parts: Buffer[] = [];
  for (const line of lines) {
    const one = UNWRAP[wrapper](line);
    if (one === undefined) continue;
    parts.push(one.bytes);
    if (one.partial) continue;
    whole.push(Buffer.concat(parts));
    parts = [];
  }
  return whole;
}

export function unwrappingParser(inner: LineParser, wrapper: Wrapper): LineParser {
  if (wrapper === 'none') return inner;
  return {
    get header() {
      return inner.header;
    },
    parse(lines): Parsed {
      const text = lines.toString('latin1');
      if (text.trim() === '') return IGNORED;
      const parts = text.split('\n').map((line) => UNWRAP[wrapper](Buffer.from(line, 'latin1')));
      if (!parts.every((one) => one !== undefined)) return malformed(`it is not wrapped as ${wrapper} does`);
      if (parts.at(-1)?.partial) return MORE;
      return inner.parse(Buffer.concat(parts.map(({ bytes }) => bytes)));
    },
  };
}
