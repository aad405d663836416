// JSON with exact integers: JSON.parse rounds beyond 2^53.

/** A string or a number. Strings are matched so that digits in them are left alone. */
const STRING_OR_NUMBER = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;
const LONG_INTEGER = /^-?\d{16,}$/;
/** Tally's texts have no control characters, so none of them starts with this. */
const MARK = '\u0000';

/** Parses JSON; an integer beyond 2^53 becomes a bigint. @returns undefined when it is invalid */
export function jsonIn(text: string): unknown {
  try {
    if (!/\d{16}/.test(text)) return JSON.parse(text);
    const marked = text.replace(STRING_OR_NUMBER, (token) =>
      LONG_INTEGER.test(token) && !Number.isSafeInteger(Number(token)) ? `"\\u0000${token}"` : token,
    );
    return JSON.parse(marked, (_, value: unknown) =>
      typeof value === 'string' && value.startsWith(MARK) ? BigInt(value.slice(1)) : value,
    );
  } catch {
    return undefined;
  }
}
