// Hostile bodies: everything that is not a list of events or a batch of them, and much that nearly is.
import { gzipSync } from 'node:zlib';
import type { Random } from '../simulation/random.ts';
import { lines, words } from './request-parts.ts';

/** A body and its kind, for the report. */
export interface HostileBody {
  readonly kind: string;
  readonly bytes: Buffer;
}

type Maker = (random: Random) => Buffer | string;

const list = (events: string) => `{"events":[${events}]}`;
const batch = (key: string, events = EVENT) => `{"batch":${key},"events":[${events}]}`;
const eventOf = (entity: string) => `{"metric":"hostile","entity":"${entity}"}`;
const many = (count: number, event: string) => Array(count).fill(event).join(',');
const truncated = (random: Random, text: string) => text.slice(0, random.between(0, text.length - 1));
const strangeField = (random: Random) => `${JSON.stringify(random.pick(FIELDS))}:${random.pick(VALUES)}`;

const VALID = JSON.stringify({
  events: [
    { id: 'hostile-1', metric: 'hostile', entity: 'hostile', at: '2026-11-22T05:00:00Z', n: 1 },
    { metric: 'hostile', entity: '/a b/ü/😀' },
  ],
});
const EVENT = eventOf('hostile');
const VALID_BATCH = batch('"0b0e7a52-7f3b-4a8e-9a49-4b0e7a527f3b"');

/** Values that trip up parsers, validators and templates, as JSON text. */
const VALUES = [
  ...words(String.raw`
    null true -0 0.1 1e999 -1e999 1E400 9007199254740993 123456789012345678901234567890 1e-400
    "" "\u0000" "\ud800" "\udc00\ud800" "\uffff" "\u2028\u2029\u202e" "$context.requestId"
    "$input.json(\"$\")" "../../etc/passwd" "__proto__" {} [] {"__proto__":{"polluted":true}}
    {"constructor":{"prototype":{"polluted":true}}} {"$ref":"#"} "2026-02-30T25:61:61Z"
    "2026-11-22T05:00:00.1234567891Z"`),
  ...lines(String.raw`
    "#set($x=1)#foreach($i in [1..9])$i#end"
    "'; DROP TABLE counters; --"
    "a\r\nSet-Cookie: x=1"`),
  `"\${jndi:ldap://127.0.0.1/x}"`,
];
const FIELDS = ['', ...words('id metric entity at n N toString __proto__ constructor length')];

/** Batch keys, and values that resemble keys, as JSON text. */
const KEYS = [
  ...words(String.raw`
    null 7 true "" "0" "false" ["key"] {"toString":"key"} "a\nb" "\u0000" "\u0085" "\ud800"
    "\u202e\u2028" "__proto__" "$batch" "$input.json(\"$\")" "],[{\"metric\":1}]"
    "\",\"ExplicitHashKey\":\"1"`),
  ...lines('"$list $context.requestId"\n"#set($x=1)#foreach($i in [1..9])$i#end"'),
  '" "',
  ...['k', '👍'].flatMap((key) => [128, 129].map((length) => `"${key.repeat(length)}"`)),
];

const KINDS: Readonly<Record<string, Maker>> = {
  'random bytes': (random) => randomBytes(random, random.between(0, 1_999)),
  truncated: (random) => truncated(random, VALID),
  mutated: (random) => mutated(random, VALID),
  'strange value': (random) => list(`{"metric":"hostile","entity":"hostile",${strangeField(random)}}`),
  'strange document': (random) =>
    random.pick([...VALUES, '', ' ', '{', '[', '"', 'NaN', 'undefined', '{}{}', "{'events':[]}"]),
  'strange events': (random) => `{"events":${random.pick(VALUES)}}`,
  'strange event': (random) => list(`${random.pick(VALUES)},${EVENT}`),
  'further field': (random) => `{"events":[${EVENT}],${strangeField(random)}}`,
  'duplicate keys': () =>
    '{"events":[{"metric":"hostile","metric":"a b","entity":"hostile","entity":5}],"events":{"metric":1}}',
  'many duplicate keys': () => `{${'"events":[],'.repeat(20_000)}"events":[${EVENT}]}`,
  'deep arrays': (random) => nested('[', ']', random),
  'deep objects': (random) => nested('{"a":', '}', random, '1'),
  'deep and never closed': () => '['.repeat(100_000),
  'deep within an event': (random) => list(`{"metric":"hostile","entity":${nested('[', ']', random)}}`),
  'huge string': (random) => list(eventOf('x'.repeat(10 ** random.between(3, 6)))),
  'huge number': () => list(`{"metric":"hostile","entity":"hostile","n":${'9'.repeat(500_000)}}`),
  'many events': (random) => list(many(random.between(501, 5_500), EVENT)),
  'many fields': () => {
    const fields = Array.from({ length: 50_000 }, (_, at) => `"f${at}":1`);
    return list(`{"metric":"hostile","entity":"hostile",${fields.join(',')}}`);
  },
  'white space': () => `${' \n\t\r'.repeat(250_000)}{"events":[]}`,
  'byte order mark': () => `\ufeff${VALID}`,
  'utf-16': () => Buffer.from(VALID, 'utf16le'),
  'latin-1': () => Buffer.from(list(eventOf('\u00e9\u00fc\u00ff')), 'latin1'),
  'overlong utf-8': () => Buffer.from(list(eventOf('\u00c0\u00af\u00ed\u00a0\u0080')), 'latin1'),
  gzip: () => gzipSync(VALID),
  'compressed bomb': () => gzipSync(Buffer.alloc(5_000_000, 0x20)),
  xml: () => '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>',
  form: () => 'events=%5B%5D&metric=hostile',
  'NUL bytes': () => `${list(eventOf('a\u0000b'))}\u0000\u0000`,
  '10 MB': (random) => Buffer.alloc(10 * 1024 * 1024 - random.between(0, 2), random.pick([0x20, 0x5b, 0x61])),
  'batch with a strange key': (random) => batch(random.pick(KEYS)),
  'batch of strange events': (random) =>
    `{"batch":"k","events":${random.pick(words('null {} [null] [[]] [{}] "x" 1e999 []'))}}`,
  'batch with a hash key of its own': () => VALID_BATCH.replace('"batch"', '"ExplicitHashKey":"1","batch"'),
  'batch in a batch': () => batch('"k"', VALID_BATCH),
  'batch as it is in the stream': () => `[1,"k",[${EVENT}]]`,
  'batch of too many events': (random) => batch('"k"', many(random.between(501, 20_500), EVENT)),
  'batch with two keys': () => `{"batch":"a","batch":7,"events":[${EVENT}]}`,
  'batch beyond what a record holds': () => batch('"k"', many(500, eventOf('👍'.repeat(512)))),
  'batch beyond what a record holds, once escaped': () => batch('"k"', many(500, eventOf('\\"'.repeat(512)))),
  'truncated batch': (random) => truncated(random, VALID_BATCH),
  'mutated batch': (random) => mutated(random, VALID_BATCH),
};

/** Slow kinds, used only in some rounds. */
const HEAVY = ['10 MB', 'many fields', 'white space', 'many duplicate keys', 'huge string'];

/** The kinds of bodies. */
export const BODY_KINDS: readonly string[] = Object.keys(KINDS);
const LIGHT = BODY_KINDS.filter((kind) => !HEAVY.includes(kind));

/** A body of the given kind, or of any kind. */
export function hostileBody(random: Random, wanted?: string): HostileBody {
  const kind = wanted ?? random.pick(random.chance(0.03) ? HEAVY : LIGHT);
  const made = KINDS[kind]?.(random);
  if (made === undefined) throw new RangeError(`there is no body of the kind ${kind}`);
  return { kind, bytes: typeof made === 'string' ? Buffer.from(made) : made };
}

/** A batch with each strange key once. */
export const BATCHES_BY_KEY: readonly HostileBody[] = KEYS.map((key) => ({
  kind: 'batch with a strange key',
  bytes: Buffer.from(batch(key)),
}));

/** Bytes of any value. */
export function randomBytes(random: Random, length: number): Buffer {
  return Buffer.from(Array.from({ length }, () => random.between(0, 255)));
}

function mutated(random: Random, text: string): Buffer {
  const bytes = Buffer.from(text);
  for (let count = random.between(1, 4); count > 0; count -= 1)
    bytes[random.between(0, bytes.length - 1)] = random.between(0, 255);
  return bytes;
}

function nested(open: string, close: string, random: Random, inner = ''): string {
  const levels = random.pick([10, 1_000, 100_000]);
  return open.repeat(levels) + inner + close.repeat(levels);
}
