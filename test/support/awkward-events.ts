// Events as awkward as a client may send them, for tests of everything they pass through.
import fc from 'fast-check';

/** Texts that have broken out of one template or another. */
export const AWKWARD_TEXTS = [
  `"`,
  `'`,
  '\\',
  '\\"',
  `\\'`,
  '$',
  '$event.id',
  // biome-ignore lint/suspicious/noTemplateCurlyInString: it is Velocity's, not JavaScript's.
  '${context.requestId}',
  '$!{x}',
  '$input.json("$")',
  '$util.base64Encode("x")',
  '#',
  '##',
  '#end',
  '#if(true)',
  '#set($x = 1)',
  '#foreach($x in [1..1000])x#end',
  '#[[x]]#',
  '#*',
  '*#',
  '{"a":1}',
  '","PartitionKey":"',
  '</script>',
  '/a/b?c=d&e=%2F',
  '👍🏽',
  '𝒳',
  'é',
  'e\u0301',
  '\u2028',
  '\u2029',
  '\ufeff',
  '\u202e',
  '12345678901234567890',
  'null',
  'true',
  '0',
  ' ',
  '__proto__',
];

/** Texts with control characters, which only an id may have. */
export const CONTROL_TEXTS = ['\n', '\r\n', '\t', '\u0000', '\u001f', '\u007f', '\u0085'];

/** An event as a client reports it. */
export interface SentEvent {
  readonly id?: string;
  readonly metric: string;
  readonly entity: string;
  readonly at?: string | number;
  readonly n?: number;
}

const text = (charactersMax: number, texts: string[]) =>
  fc
    .oneof(
      fc.array(fc.constantFrom(...texts), { minLength: 1, maxLength: 6 }).map((parts) => parts.join('')),
      fc.string({ unit: 'grapheme', minLength: 1, maxLength: charactersMax }),
      fc.string({ unit: 'binary', minLength: 1, maxLength: charactersMax }),
    )
    .map((value) => [...value].slice(0, charactersMax).join(''));

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what an entity may not have.
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/g;

/** Any event that the front door's schema lets through. */
export const sentEvent: fc.Arbitrary<SentEvent> = fc.record(
  {
    id: text(128, [...AWKWARD_TEXTS, ...CONTROL_TEXTS]),
    metric: fc.stringMatching(/^[A-Za-z0-9_.-]{1,64}$/),
    entity: text(512, AWKWARD_TEXTS).map((value) => value.replaceAll(CONTROL, '·')),
    at: fc.oneof(
      fc.integer({ min: Date.UTC(2000), max: Date.UTC(2099, 11, 31) }),
      fc
        .date({ min: new Date(0), max: new Date('2099-12-31T23:59:59Z'), noInvalidDate: true })
        .map((date) => date.toISOString()),
      fc.constantFrom('2026-11-22T05:07Z', '2026-11-22T05:07:01+05:30', '2026-11-22T05:07:01.123456789-0800'),
    ),
    n: fc.integer({ min: -1_000_000_000, max: 1_000_000_000 }),
  },
  { requiredKeys: ['metric', 'entity'] },
);
