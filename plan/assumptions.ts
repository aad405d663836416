// What the plan takes for granted: sizes and times that no price list or quota tells, each with where it is from and what measures it.

/** Something taken for granted. */
export interface Assumption {
  readonly value: number;
  readonly unit: string;
  /** What it is, and where the figure is from. */
  readonly says: string;
  /** What would measure it, if anything of ours can. */
  readonly measuredBy: string;
}

const CODE = 'test/plan/sizes.test.ts holds it against the code';
const FIELD = 'a stage on AWS only';

/** Every assumption, by name. */
export const ASSUMPTIONS = {
  shardFill: {
    value: 0.9,
    unit: '',
    says: "share of a shard's limit that the busiest minute may take: hashes of ids spread a little unevenly",
    measuredBy: FIELD,
  },
  partitionKeyBytes: {
    value: 36,
    unit: 'bytes',
    says: 'an event id is a UUID, and the partition key',
    measuredBy: CODE,
  },
  kinesisEnvelopeBytes: {
    value: 640,
    unit: 'bytes',
    says: 'what Lambda writes around a record: 6 MB hold about 6,900 records of 200 bytes',
    measuredBy: FIELD,
  },
  sqsEnvelopeBytes: {
    value: 900,
    unit: 'bytes',
    says: 'what Lambda writes around a message',
    measuredBy: FIELD,
  },
  sqsEscape: {
    value: 1.15,
    unit: '×',
    says: "growth of a rollup message's JSON when it is a string in Lambda's JSON",
    measuredBy: CODE,
  },
  partBytes: {
    value: 60_000,
    unit: 'bytes',
    says: 'largest rollup message (aggregator/handler.ts)',
    measuredBy: CODE,
  },
  rowFrameBytes: {
    value: 25,
    unit: 'bytes',
    says: 'a row of a rollup message less its bucket, metric and entity',
    measuredBy: CODE,
  },
  counterFrameBytes: {
    value: 38,
    unit: 'bytes',
    says: 'a counter item less entity, metric, bucket, minutes and segment ids: names of attributes, two totals, an expiry',
    measuredBy: CODE,
  },
  minuteBytes: { value: 6, unit: 'bytes', says: 'a minute in a counter item', measuredBy: CODE },
  segmentIdBytes: {
    value: 11,
    unit: 'bytes',
    says: 'a segment id in a counter item: generation, shard and number in base 36, and a byte for the element',
    measuredBy: CODE,
  },
  headBytes: { value: 500, unit: 'bytes', says: "a shard's HEAD without ancestors", measuredBy: CODE },
  entryBytes: { value: 650, unit: 'bytes', says: "a segment's SEG without its parts", measuredBy: CODE },
  entryPartBytes: {
    value: 8,
    unit: 'bytes',
    says: 'a part in SEG, and its acknowledgement',
    measuredBy: CODE,
  },
  keyShare: {
    value: 0.5,
    unit: '×',
    says: 'what compression leaves of the names in KEYS (docs/decisions/0012: 10 bytes of 20)',
    measuredBy: CODE,
  },
  booksBytes: {
    value: 3_200,
    unit: 'bytes',
    says: "a shard's BOOKS (docs/decisions/0003: about 3 KB)",
    measuredBy: FIELD,
  },
  levelUnits: {
    value: 1,
    unit: 'write units',
    says: "a day's, month's or total's item: below 1 KB",
    measuredBy: CODE,
  },
  callSeconds: {
    value: 0.006,
    unit: 's',
    says: 'a call of DynamoDB from Lambda in its region ("single-digit milliseconds")',
    measuredBy: FIELD,
  },
  sendSeconds: { value: 0.02, unit: 's', says: 'a SendMessageBatch', measuredBy: FIELD },
  pollSeconds: {
    value: 1,
    unit: 's',
    says: "how often Lambda looks at a shard; the same again is allowed for the queue's delivery",
    measuredBy: FIELD,
  },
  eventCpuSeconds: {
    value: 6e-6,
    unit: 's of a whole processor',
    says: 'an event in the aggregator with the SDK, without sockets and TLS (docs/performance.md)',
    measuredBy: 'npm run bench:aggregator',
  },
  callCpuSeconds: {
    value: 0.0003,
    unit: 's of a whole processor',
    says: 'a call through the SDK (docs/performance.md: 0.13 ms without sockets, 0.4 by HTTP on a busy machine; TLS was not measured)',
    measuredBy: 'npm run bench:writer',
  },
  idCpuSeconds: {
    value: 0.4e-6,
    unit: 's of a whole processor',
    says: 'taking an id of the dedup window up from the ledger',
    measuredBy: 'npm run bench:aggregator',
  },
  invocationSeconds: { value: 0.01, unit: 's', says: 'what an invocation takes besides', measuredBy: FIELD },
  invocationLogBytes: {
    value: 2_000,
    unit: 'bytes',
    says: "an invocation's lines in the log: start, end, report, metrics",
    measuredBy: FIELD,
  },
  accessLogBytes: {
    value: 400,
    unit: 'bytes',
    says: "a request's line in the access log",
    measuredBy: FIELD,
  },
  responseBytes: {
    value: 500,
    unit: 'bytes',
    says: 'an answer of POST /v1/events with its headers',
    measuredBy: FIELD,
  },
  storedMonths: {
    value: 12,
    unit: 'months',
    says: 'what is kept for ever is paid for as it is after so long',
    measuredBy: '—',
  },
  hotItemFill: {
    value: 0.75,
    unit: '',
    says: "share of a partition's write units that one counter item may take in the busiest minute: retries, redrive and late events need the rest",
    measuredBy: '—',
  },
  aggregatorBusy: {
    value: 0.7,
    unit: '',
    says: "share of a shard's time that batches may take: else it never catches up after an outage",
    measuredBy: '—',
  },
  accountantCalls: {
    value: 8,
    unit: 'calls',
    says: 'calls one after the other that the accountant makes for a shard',
    measuredBy: CODE,
  },
  compactorItemCpuSeconds: {
    value: 0.0005,
    unit: 's of a whole processor',
    says: "recomputing an item of a level: two reads, a write, and the top lists' share (docs/performance.md)",
    measuredBy: 'npm run bench:compactor',
  },
  compactorLookCpuSeconds: {
    value: 0.4e-6,
    unit: 's of a whole processor',
    says: 'looking at a touched hour: reading its list, decompressing, hashing (docs/performance.md)',
    measuredBy: 'npm run bench:compactor',
  },
  compactorSweepItems: {
    value: 300_000,
    unit: 'items',
    says: 'what the compactor holds at once (compactor/handler.ts): with more, it looks at the segments again',
    measuredBy: CODE,
  },
  compactorLookingSeconds: {
    value: 100,
    unit: 's',
    says: 'how long a run looks at segments (compactor/handler.ts): the rest of an interval is another step, and its counters are recomputed again',
    measuredBy: CODE,
  },
} as const satisfies Readonly<Record<string, Assumption>>;

/** The value of an assumption. */
export function assumed(name: keyof typeof ASSUMPTIONS): number {
  return ASSUMPTIONS[name].value;
}
