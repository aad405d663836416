// Malformed data that bypasses the front door: directly in the stream or the queue.
import { gzipSync } from 'node:zlib';
import { createAwsJsonClient } from '../../local/emulators/aws-json.ts';
import type { Random } from '../simulation/random.ts';
import { randomBytes } from './bodies.ts';
import { lines } from './request-parts.ts';
import type { Places } from './victim-process.ts';

/** The event of well-formed batches, which is counted although it arrives among poison. */
export const BATCHED = { metric: 'hostile-batch', entity: 'batched' };
const MB = 1024 * 1024;
const EVENT = '{"metric":"hostile","entity":"hostile"}';

const RECORDS: readonly (string | Buffer | ((random: Random) => Buffer))[] = [
  (random) => randomBytes(random, random.between(1, 5_000)),
  gzipSync(EVENT),
  Buffer.from(EVENT, 'utf16le'),
  ' '.repeat(MB - 300),
  '['.repeat(500_000),
  '['.repeat(400_000) + ']'.repeat(400_000),
  `${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}`,
  `[1,"k",[${Array(10_001).fill('{"metric":"a","entity":"b"}').join(',')}]]`,
  `[1,"k",[${Array(200_000).fill('0').join(',')}]]`,
  ...lines(String.raw`
    [${EVENT}]
    [2,"k",[${EVENT}]]
    [1,7,[${EVENT}]]
    [1,"k",{"length":1}]
    {"metric":"hostile","entity":"hostile","__proto__":{"n":5}}
    {"metric":"hostile","entity":"hostile","n":1e999}
    {"metric":"hostile","entity":"hostile","n":-0}
    {"metric":"hostile","entity":"\ud800"}
    {"metric":"a#H#2026","entity":"hostile"}
    {"metric":"hostile","entity":"hostile","at":8640000000000001}
    null`),
  // The stream refuses records without a byte.
  '\u0000',
];

const SEGMENT = '"v":1,"segment":"1.0.1"';
const HOUR = `{${SEGMENT},"part":0,"bucketMinutes":60`;

const MESSAGES = [
  ...lines(`
    x
    null
    []
    {}
    {"v":1}
    ${HOUR},"rows":[]}
    ${HOUR},"rows":[["2026-11-22T05","m","e",1,{"60":1}]]}
    ${HOUR},"rows":[["2026-11-22T05","m","e",1,{"0":1e999}]]}
    ${HOUR},"rows":[["2026-11-22T05","a#b","e",1,{"0":1}]]}
    ${HOUR},"rows":{"length":1}}
    {${SEGMENT},"part":-1,"bucketMinutes":60,"rows":[[]]}
    {${SEGMENT},"part":0,"bucketMinutes":7,"rows":[["2026-11-22T05","m","e",1,{"0":1}]]}
    {"v":1,"segment":"../../x","part":0,"bucketMinutes":60,"rows":[["2026-11-22T05","m","e",1,{"0":1}]]}
    {"v":2,"segment":"1.0.1","part":0}
    {"__proto__":{"v":1}}`),
  '['.repeat(200_000) + ']'.repeat(200_000),
  'y'.repeat(MB - 100),
];

/** Prepares to send poison. */
export function createPoisoner({ kinesis, sqs, StreamName, QueueUrl }: Places, random: Random) {
  /** What was sent past the front door. Every event of a well-formed batch must be counted. */
  const report = { records: 0, messages: 0, batchedEvents: 0 };
  const streams = createAwsJsonClient('kinesis', kinesis);
  const queues = createAwsJsonClient('sqs', sqs);

  async function put(record: (typeof RECORDS)[number]): Promise<void> {
    const data = typeof record === 'function' ? record(random) : record;
    const Data = Buffer.from(data).toString('base64');
    await streams.call('PutRecords', {
      StreamName,
      Records: [{ Data, PartitionKey: String(random.next()) }],
    });
    report.records += 1;
  }
  /** Puts a batch whose key was never used before. */
  async function putBatch(events: number): Promise<void> {
    await put(JSON.stringify([1, `${random.next()}`, Array(events).fill(BATCHED)]));
    report.batchedEvents += events;
  }
  async function send(MessageBody: string): Promise<void> {
    await queues.call('SendMessage', { QueueUrl, MessageBody });
    report.messages += 1;
  }

  return {
    report,
    /** A few malformed records with a well-formed batch of 10,000 among them, and a few malformed messages. */
    round: async () => {
      for (let count = 0; count < 4; count += 1) {
        await put(random.pick(RECORDS));
        if (count === 1) await putBatch(10_000);
      }
      for (let count = 0; count < 3; count += 1) await send(random.pick(MESSAGES));
    },
    /** Each malformed record and message once. */
    everything: async () => {
      for (const record of RECORDS) {
        await put(record);
        await putBatch(1);
      }
      for (const message of MESSAGES) await send(message);
    },
  };
}
