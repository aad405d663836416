// Hostile batches: invalid keys, strange keys, and bodies that are nearly a batch.
import type { HostileBody } from './bodies.ts';
import type { Random } from './random.ts';

const EVENT = '{"id":"hostile-1","metric":"hostile","entity":"hostile"}';
const VALID = batch('"0b0e7a52-7f3b-4a8e-9a49-4b0e7a527f3b"');

/** Keys, and values that resemble keys, as JSON text. */
const KEYS = [
  'null',
  '7',
  'true',
  '""',
  '" "',
  '"0"',
  '"false"',
  '["key"]',
  '{"toString":"key"}',
  JSON.stringify('k'.repeat(128)),
  JSON.stringify('k'.repeat(129)),
  JSON.stringify('👍'.repeat(128)),
  JSON.stringify('👍'.repeat(129)),
  '"a\\nb"',
  '"\\u0000"',
  '"\\u0085"',
  '"\\ud800"',
  '"\\u202e\\u2028"',
  '"__proto__"',
  '"$batch"',
  '"$list $context.requestId"',
  '"$input.json(\\"$\\")"',
  '"#set($x=1)#foreach($i in [1..9])$i#end"',
  '"],[{\\"metric\\":1}]"',
  '"\\",\\"ExplicitHashKey\\":\\"1"',
];

const KINDS: Readonly<Record<string, (random: Random) => string | Buffer>> = {
  'strange key': (random) => batch(random.pick(KEYS)),
  'strange events': (random) =>
    `{"batch":"k","events":${random.pick(['null', '{}', '[null]', '[[]]', '[{}]', '"x"', '1e999', '[]'])}}`,
  'a hash key of its own': () => VALID.replace('"batch"', '"ExplicitHashKey":"1","batch"'),
  'a batch in a batch': () => batch('"k"', VALID),
  'as it is in the stream': () => `[1,"k",[${EVENT}]]`,
  'too many events': (random) => batch('"k"', many(501 + random.below(20_000), EVENT)),
  'two keys': () => `{"batch":"a","batch":7,"events":[${EVENT}]}`,
  'beyond what a record holds': () =>
    batch('"k"', many(500, EVENT.replace('"entity":"hostile"', `"entity":"${'👍'.repeat(512)}"`))),
  'beyond what a record holds, once escaped': () =>
    batch('"k"', many(500, EVENT.replace('"entity":"hostile"', `"entity":"${'\\"'.repeat(512)}"`))),
  truncated: (random) => VALID.slice(0, random.below(VALID.length)),
  mutated: (random) => {
    const bytes = Buffer.from(VALID);
    for (let count = 1 + random.below(4); count > 0; count -= 1)
      bytes[random.below(bytes.length)] = random.below(256);
    return bytes;
  },
};

function batch(key: string, events = EVENT): string {
  return `{"batch":${key},"events":[${events}]}`;
}

function many(count: number, event: string): string {
  return Array(count).fill(event).join(',');
}

/** The kinds of batches. */
export const BATCH_KINDS: readonly string[] = Object.keys(KINDS);

/** A batch of the given kind, or of any kind. */
export function hostileBatch(random: Random, wanted?: string): HostileBody {
  const kind = wanted ?? random.pick(BATCH_KINDS);
  const made = KINDS[kind]?.(random);
  if (made === undefined) throw new RangeError(`there is no batch of the kind ${kind}`);
  return { kind: `batch: ${kind}`, bytes: typeof made === 'string' ? Buffer.from(made) : made };
}

/** Each key once. */
export function* everyKey(): Generator<HostileBody> {
  for (const key of KEYS) yield { kind: 'batch: strange key', bytes: Buffer.from(batch(key)) };
}
