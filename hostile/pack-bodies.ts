// Hostile packs: everything that is nearly a request of packed events.
import type { HostileBody } from './bodies.ts';
import type { Random } from './random.ts';

const EVENT = '{"id":"hostile-1","metric":"hostile","entity":"hostile"}';
const VALID = `{"packs":[{"bucket":"0110","events":[${EVENT}]}]}`;

const pack = (bucket: string, events = EVENT) => `{"packs":[{"bucket":${bucket},"events":[${events}]}]}`;

/** What might be taken for a bucket, as JSON text. */
const BUCKETS = [
  'null',
  '6',
  '-1',
  '0110',
  '"011"',
  '"01101"',
  '"0110\\n"',
  '"0x06"',
  '"२१०१"',
  '"constructor"',
  '"__proto__"',
  '"$hashKeys"',
  '"#set($x=1)"',
  '"340282366920938463463374607431768211456"',
  '["0110"]',
  '{"toString":"0110"}',
];

const KINDS: Readonly<Record<string, (random: Random) => string | Buffer>> = {
  'strange bucket': (random) => pack(random.pick(BUCKETS)),
  'strange packs': (random) =>
    `{"packs":${random.pick(['null', '{}', '[null]', '[[]]', '[{}]', '"x"', '1e999'])}}`,
  'events as well': () => `{"events":[${EVENT}],${VALID.slice(1)}`,
  'a hash key of its own': () => VALID.replace('"bucket"', '"ExplicitHashKey":"1","bucket"'),
  'without an id': () => pack('"0110"', `${EVENT},{"metric":"hostile","entity":"hostile"}`),
  'a pack in a pack': () => pack('"0110"', `[${EVENT}]`),
  'too many in a pack': (random) =>
    pack(
      '"0110"',
      Array(251 + random.below(20_000))
        .fill(EVENT)
        .join(','),
    ),
  'too many packs': () => `{"packs":[${Array(501).fill(`{"bucket":"0110","events":[${EVENT}]}`).join(',')}]}`,
  'two buckets': () => '{"packs":[{"bucket":"0110","bucket":"9","events":[]}]}',
  'beyond what the stream takes at once': () => {
    const large = EVENT.replace('"entity":"hostile"', `"entity":"${'x'.repeat(500)}"`);
    const events = Array(250).fill(large).join(',');
    return `{"packs":[${Array(40).fill(`{"bucket":"0110","events":[${events}]}`).join(',')}]}`;
  },
  truncated: (random) => VALID.slice(0, random.below(VALID.length)),
  mutated: (random) => {
    const bytes = Buffer.from(VALID);
    for (let count = 1 + random.below(4); count > 0; count -= 1)
      bytes[random.below(bytes.length)] = random.below(256);
    return bytes;
  },
};

/** The kinds of packs there are. */
export const PACK_KINDS: readonly string[] = Object.keys(KINDS);

/** Packs of the kind, or of any. */
export function hostilePacks(random: Random, wanted?: string): HostileBody {
  const kind = wanted ?? random.pick(PACK_KINDS);
  const made = KINDS[kind]?.(random);
  if (made === undefined) throw new RangeError(`there are no packs of the kind ${kind}`);
  return { kind: `packs: ${kind}`, bytes: typeof made === 'string' ? Buffer.from(made) : made };
}
