// Hostile bodies: everything that is not a list of events, and much that nearly is.
import { gzipSync } from 'node:zlib';
import type { Random } from './random.ts';

/** A body and its kind, for the report. */
export interface HostileBody {
  readonly kind: string;
  readonly bytes: Buffer;
}

type Kind = (random: Random) => Buffer | string;

const VALID = {
  events: [
    { id: 'hostile-1', metric: 'hostile', entity: 'hostile', at: '2026-11-22T05:00:00Z', n: 1 },
    { metric: 'hostile', entity: '/a b/ü/😀' },
  ],
};

/** Values that trip up parsers, validators and templates, as JSON text. */
const VALUES = [
  'null',
  'true',
  '-0',
  '0.1',
  '1e999',
  '-1e999',
  '1E400',
  '9007199254740993',
  '123456789012345678901234567890',
  '1e-400',
  '""',
  '"\\u0000"',
  '"\\ud800"',
  '"\\udc00\\ud800"',
  '"\\uffff"',
  '"$context.requestId"',
  '"$input.json(\\"$\\")"',
  '"#set($x=1)#foreach($i in [1..9])$i#end"',
  JSON.stringify(`\${jndi:ldap://127.0.0.1/x}`),
  '"\'; DROP TABLE counters; --"',
  '"../../etc/passwd"',
  '"a\\r\\nSet-Cookie: x=1"',
  '"\\u2028\\u2029\\u202e"',
  '"__proto__"',
  '{}',
  '[]',
  '{"__proto__":{"polluted":true}}',
  '{"constructor":{"prototype":{"polluted":true}}}',
  '{"$ref":"#"}',
  '"2026-02-30T25:61:61Z"',
  '"2026-11-22T05:00:00.1234567891Z"',
];
const FIELDS = [
  'id',
  'metric',
  'entity',
  'at',
  'n',
  'N',
  'toString',
  '__proto__',
  'constructor',
  'length',
  '',
];

const KINDS: Readonly<Record<string, Kind>> = {
  'random bytes': (random) => random.bytes(random.below(2_000)),
  truncated: (random) => {
    const text = JSON.stringify(VALID);
    return text.slice(0, random.below(text.length));
  },
  mutated: (random) => {
    const bytes = Buffer.from(JSON.stringify(VALID));
    for (let count = 1 + random.below(4); count > 0; count -= 1) {
      bytes[random.below(bytes.length)] = random.below(256);
    }
    return bytes;
  },
  'strange value': (random) => {
    const field = random.pick(FIELDS);
    const fields = [
      `"metric":"hostile"`,
      `"entity":"hostile"`,
      `${JSON.stringify(field)}:${random.pick(VALUES)}`,
    ];
    return `{"events":[{${fields.join(',')}}]}`;
  },
  'strange document': (random) =>
    random.pick([...VALUES, '', ' ', '{', '[', '"', 'NaN', 'undefined', '{}{}', "{'events':[]}"]),
  'strange events': (random) => `{"events":${random.pick(VALUES)}}`,
  'strange event': (random) => `{"events":[${random.pick(VALUES)},{"metric":"hostile","entity":"hostile"}]}`,
  'further field': (random) =>
    `{"events":[{"metric":"hostile","entity":"hostile"}],${JSON.stringify(random.pick(FIELDS))}:${random.pick(VALUES)}}`,
  'duplicate keys': () =>
    '{"events":[{"metric":"hostile","metric":"a b","entity":"hostile","entity":5}],"events":{"metric":1}}',
  'many duplicate keys': () =>
    `{${'"events":[],'.repeat(20_000)}"events":[{"metric":"hostile","entity":"hostile"}]}`,
  'deep arrays': (random) => nested('[', ']', random),
  'deep objects': (random) => nested('{"a":', '}', random, '1'),
  'deep and never closed': () => '['.repeat(100_000),
  'deep within an event': (random) =>
    `{"events":[{"metric":"hostile","entity":${nested('[', ']', random)}}]}`,
  'huge string': (random) =>
    `{"events":[{"metric":"hostile","entity":"${'x'.repeat(10 ** (3 + random.below(4)))}"}]}`,
  'huge number': () => `{"events":[{"metric":"hostile","entity":"hostile","n":${'9'.repeat(500_000)}}]}`,
  'many events': (random) =>
    `{"events":[${Array(501 + random.below(5_000))
      .fill('{"metric":"hostile","entity":"hostile"}')
      .join(',')}]}`,
  'many fields': () =>
    `{"events":[{"metric":"hostile","entity":"hostile",${Array.from({ length: 50_000 }, (_, at) => `"f${at}":1`).join(',')}}]}`,
  'white space': () => `${' \n\t\r'.repeat(250_000)}{"events":[]}`,
  'byte order mark': () => `\ufeff${JSON.stringify(VALID)}`,
  'utf-16': () => Buffer.from(JSON.stringify(VALID), 'utf16le'),
  'latin-1': () => Buffer.from('{"events":[{"metric":"hostile","entity":"\u00e9\u00fc\u00ff"}]}', 'latin1'),
  'overlong utf-8': () =>
    Buffer.concat([
      Buffer.from('{"events":[{"metric":"hostile","entity":"'),
      Buffer.from([0xc0, 0xaf, 0xed, 0xa0, 0x80]),
      Buffer.from('"}]}'),
    ]),
  gzip: () => gzipSync(JSON.stringify(VALID)),
  'compressed bomb': () => gzipSync(Buffer.alloc(5_000_000, 0x20)),
  xml: () => '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>',
  form: () => 'events=%5B%5D&metric=hostile',
  'NUL bytes': () => `{"events":[{"metric":"hostile","entity":"a\u0000b"}]}\u0000\u0000`,
  '10 MB': (random) => Buffer.alloc(10 * 1024 * 1024 - random.below(3), random.pick([0x20, 0x5b, 0x61])),
};

/** Slow kinds, used only in some rounds. */
const HEAVY = new Set(['10 MB', 'many fields', 'white space', 'many duplicate keys', 'huge string']);
const LIGHT = Object.keys(KINDS).filter((kind) => !HEAVY.has(kind));

/** The kinds of bodies. */
export const BODY_KINDS: readonly string[] = Object.keys(KINDS);

/** A body of the given kind, or of any kind. */
export function hostileBody(random: Random, wanted?: string): HostileBody {
  const kind = wanted ?? random.pick(random.chance(0.03) ? [...HEAVY] : LIGHT);
  const made = KINDS[kind]?.(random);
  if (made === undefined) throw new RangeError(`there is no body of the kind ${kind}`);
  return { kind, bytes: typeof made === 'string' ? Buffer.from(made) : made };
}

function nested(open: string, close: string, random: Random, inner = ''): string {
  const levels = random.pick([10, 1_000, 100_000]);
  return open.repeat(levels) + inner + close.repeat(levels);
}
