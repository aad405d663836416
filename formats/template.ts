// Field order by template: nginx's `log_format` and Apache's `LogFormat` strings, as written in a configuration.
import { byAlias, FormatError, type LineParser, malformed, textParser } from './reading.ts';
import { requestEntry, requestOf, textEntry } from './request.ts';
import { parseTime, type TimeUnit } from './time.ts';

interface Field {
  readonly name: string;
  /** Number of blanks in a custom time format. */
  readonly blanks: number;
}

type Piece = { readonly literal: string } | Field;

/** Names of fields, each with what nginx and Apache call it. */
const ALIASES: ReadonlyMap<string, string> = byAlias({
  method: 'request_method m',
  target: 'request_uri uri document_uri U',
  query_string: 'q',
  request: 'r',
  status: 's',
  time_local: 't',
  remote_addr: 'h a',
  remote_user: 'u',
  ident: 'l',
  server_name: 'v',
  host: 'V',
  body_bytes_sent: 'b B',
  bytes_sent: 'O',
  bytes_received: 'I',
  duration_us: 'D',
  duration_s: 'T',
  server_protocol: 'H',
  server_port: 'p',
});
const TIMES: ReadonlyMap<string, TimeUnit> = new Map([
  ['time_local', 'auto'],
  ['time_iso8601', 'iso'],
  ['msec', 's'],
  ['time_sec', 's'],
  ['time_msec', 'ms'],
  ['time_usec', 'us'],
  ['time', 'auto'],
]);

const QUOTED = String.raw`(?:[^"\\]|\\.)*`;
const REQUEST = String.raw`(?:(?! HTTP/).)* HTTP/[\d.]+|[^ ]*`;
/** Apache's `%t` has brackets, nginx's `$time_local` does not. */
const LOCAL_TIME = String.raw`\[[^\]]*\]|[^ ]*(?: [+-]\d{4})?`;
const IS_ARGS = String.raw`\??`;
/** Up to a blank; nginx separates several upstreams by ", " and " : ". */
const LIST = '(?:(?!,? ).)*(?:(?:,| :) (?:(?!,? ).)*)*';

/** @throws FormatError if the template lacks required fields, or nothing separates two fields */
export function templateParser(template: string): LineParser {
  const { pattern, names } = templateOf(template);
  const time = names.find((name) => TIMES.has(name)) ?? '';
  return textParser((text) => {
    const m = pattern.exec(text);
    if (m === null) return malformed('not a line of the --log-format');
    const value = (name: string) => {
      const at = names.indexOf(ALIASES.get(name) ?? name);
      return at === -1 ? undefined : m[at + 1];
    };
    const at = parseTime(value(time) ?? '', TIMES.get(time) ?? 'auto');
    const [status, request, target] = ['status', 'request', 'target'].map(value);
    // A line without a status is not a request: it has only its fields.
    if (status === undefined) return textEntry(at, value);
    if (request !== undefined) return requestEntry(at, requestOf(request), status, value);
    const [method = '', protocol] = [value('method'), value('server_protocol')];
    return requestEntry(at, target === undefined ? target : { method, target, protocol }, status, value);
  });
}

/** The names of a template's fields, and a pattern with a group for each. @throws FormatError as `templateParser` does */
export function templateOf(text: string) {
  const pieces = piecesOf(bareTemplate(text));
  const names = pieces.flatMap((piece) => ('name' in piece ? [piece.name] : []));
  if (names.length === 0) throw new FormatError('--log-format has no field, such as $request or %r');
  if (!names.some((name) => TIMES.has(name))) {
    throw new FormatError('--log-format has no time: add $time_local, $time_iso8601, $msec or %t');
  }
  let source = '^';
  let groups = 0;
  for (const [i, piece] of pieces.entries()) {
    if ('literal' in piece) source += escaped(piece.literal);
    // Atomic: a field keeps what it matched, so that a mismatch fails at once instead of backtracking.
    else source += `(?=(${fieldPattern(piece, pieces[i - 1], pieces[i + 1])}))\\${++groups}`;
  }
  return { pattern: new RegExp(source), names };
}

/** The pattern of a field, which ends where the next piece begins. */
function fieldPattern(field: Field, before: Piece | undefined, after: Piece | undefined): string {
  const { name } = field;
  if (after === undefined) return '.*';
  if ('name' in after) return patternBefore(name, after.name);
  if (before !== undefined && 'literal' in before && before.literal.endsWith('"') && after.literal[0] === '"')
    return QUOTED;
  if (name === 'is_args') return IS_ARGS;
  if (after.literal.trim() !== '') return `(?:(?!${escaped(after.literal)}).)*`;
  if (name === 'request') return REQUEST;
  if (name === 'time_local') return LOCAL_TIME;
  if (field.blanks > 0) return `[^ ]*(?: [^ ]*){${field.blanks}}`;
  return LIST;
}

/** Names with nothing in between: `$scheme$request_uri`, `$uri$is_args$args`, `%U%q`. */
function patternBefore(name: string, next: string): string {
  if (next === 'target') return '[^/ ]*';
  if (name === 'target') return '[^?" ]*';
  if (name === 'is_args') return IS_ARGS;
  throw new FormatError(`--log-format has nothing between ${name} and ${next}`);
}

function escaped(literal: string): string {
  return literal.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');
}

/** The bare template: without `log_format main`, quotes around its parts, and the name after Apache's. */
function bareTemplate(text: string): string {
  const directive = text.trim().replace(/;$/, '');
  const nginx = /^log_format\s+\S+\s+(?:escape=\S+\s+)?([\s\S]*)$/.exec(directive);
  if (nginx) return quotedParts(nginx[1] ?? '').join('');
  const apache = /^LogFormat\s+([\s\S]*)$/.exec(directive);
  if (apache) return quotedParts(apache[1] ?? '')[0] ?? '';
  return directive.startsWith("'") ? quotedParts(directive).join('') : directive.replace(/\\"/g, '"');
}

function quotedParts(text: string): string[] {
  return [...text.matchAll(/'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)"/g)].map(([, single, double]) =>
    (single ?? double ?? '').replace(/\\(["'\\])/g, '$1'),
  );
}

const VARIABLE = /\$\{?(\w+)\}?|%[<>]?(?:!?[\d,]+)?(?:\{([^}]+)\}([a-zA-Z]+)|([a-zA-Z]))|%%/g;

function piecesOf(template: string): Piece[] {
  const pieces: Piece[] = [];
  let from = 0;
  const literal = (text: string) => {
    if (text !== '') pieces.push({ literal: text });
  };
  // Never both: in nginx's a percent sign is a literal, in Apache's a dollar.
  const sign = /\$\{?[a-z]/.test(template) ? '$' : '%';
  for (const m of template.matchAll(VARIABLE)) {
    if (!m[0].startsWith(sign)) continue;
    literal(template.slice(from, m.index));
    from = m.index + m[0].length;
    if (m[0] === '%%') literal('%');
    else pieces.push({ name: nameOf(m[1], m[2], m[3], m[4]), blanks: m[3] === 't' ? blanksIn(m[2]) : 0 });
  }
  literal(template.slice(from));
  return pieces;
}

function nameOf(nginx?: string, argument?: string, letters?: string, letter?: string): string {
  if (argument !== undefined) {
    if (letters === 't')
      return /^(?:begin:|end:)?(sec|msec|usec)$/.test(argument)
        ? `time_${argument.replace(/^.*:/, '')}`
        : 'time';
    return `${letters === 'o' ? 'sent_' : ''}http_${argument.toLowerCase().replaceAll('-', '_')}`;
  }
  const name = nginx ?? letter ?? '';
  return ALIASES.get(name) ?? name;
}

function blanksIn(text = ''): number {
  return text.split(' ').length - 1;
}
