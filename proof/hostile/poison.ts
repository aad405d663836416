// Malformed data that bypasses the front door: directly in the stream or the queue.
import { gzipSync } from 'node:zlib';
import { KinesisClient, PutRecordsCommand } from '@aws-sdk/client-kinesis';
import { SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import type { Random } from './random.ts';

/** The event of well-formed batches, which is counted although it arrives among poison. */
export const BATCHED = { metric: 'hostile-batch', entity: 'batched' };
const MB = 1024 * 1024;

type RecordMaker = (random: Random) => Buffer | string;

const RECORDS: readonly RecordMaker[] = [
  (random) => random.bytes(1 + random.below(5_000)),
  () => gzipSync('{"metric":"hostile","entity":"hostile"}'),
  () => Buffer.alloc(MB - 300, 0x20),
  () => '['.repeat(500_000),
  () => '['.repeat(400_000) + ']'.repeat(400_000),
  () => `${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}`,
  () => `[1,"k",[${Array(10_001).fill('{"metric":"a","entity":"b"}').join(',')}]]`,
  () => `[1,"k",[${Array(200_000).fill('0').join(',')}]]`,
  () => '[{"metric":"hostile","entity":"hostile"}]',
  () => '[2,"k",[{"metric":"hostile","entity":"hostile"}]]',
  () => '[1,7,[{"metric":"hostile","entity":"hostile"}]]',
  () => '[1,"k",{"length":1}]',
  () => '{"metric":"hostile","entity":"hostile","__proto__":{"n":5}}',
  () => '{"metric":"hostile","entity":"hostile","n":1e999}',
  () => '{"metric":"hostile","entity":"hostile","n":-0}',
  () => '{"metric":"hostile","entity":"\\ud800"}',
  () => '{"metric":"a#H#2026","entity":"hostile"}',
  () => '{"metric":"hostile","entity":"hostile","at":8640000000000001}',
  () => 'null',
  () => '',
  () => Buffer.from('{"metric":"hostile","entity":"hostile"}', 'utf16le'),
];

const MESSAGES: readonly RecordMaker[] = [
  () => 'x',
  () => 'null',
  () => '[]',
  () => '{}',
  () => '{"v":1}',
  () => '{"v":1,"segment":"1.0.1","part":0,"bucketMinutes":60,"rows":[]}',
  () => '{"v":1,"segment":"1.0.1","part":-1,"bucketMinutes":60,"rows":[[]]}',
  () =>
    '{"v":1,"segment":"../../x","part":0,"bucketMinutes":60,"rows":[["2026-11-22T05","m","e",1,{"0":1}]]}',
  () => '{"v":1,"segment":"1.0.1","part":0,"bucketMinutes":7,"rows":[["2026-11-22T05","m","e",1,{"0":1}]]}',
  () => '{"v":1,"segment":"1.0.1","part":0,"bucketMinutes":60,"rows":[["2026-11-22T05","m","e",1,{"60":1}]]}',
  () =>
    '{"v":1,"segment":"1.0.1","part":0,"bucketMinutes":60,"rows":[["2026-11-22T05","m","e",1,{"0":1e999}]]}',
  () =>
    '{"v":1,"segment":"1.0.1","part":0,"bucketMinutes":60,"rows":[["2026-11-22T05","a#b","e",1,{"0":1}]]}',
  () => '{"v":1,"segment":"1.0.1","part":0,"bucketMinutes":60,"rows":{"length":1}}',
  () => '{"v":2,"segment":"1.0.1","part":0}',
  () => '{"__proto__":{"v":1}}',
  () => `${'['.repeat(200_000)}${']'.repeat(200_000)}`,
  () => 'y'.repeat(MB - 100),
];

/** What was sent past the front door. */
export interface PoisonReport {
  records: number;
  messages: number;
  /** Events in well-formed batches, all of which must be counted. */
  batchedEvents: number;
}

/** Sends some rounds of poison. */
export class Poisoner {
  readonly report: PoisonReport = { records: 0, messages: 0, batchedEvents: 0 };
  readonly #kinesis: KinesisClient;
  readonly #sqs: SQSClient;
  readonly #stream: string;
  readonly #queueUrl: string;
  readonly #random: Random;

  constructor(places: { kinesis: string; sqs: string; stream: string; queueUrl: string }, random: Random) {
    const common = {
      region: 'us-east-1',
      credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
      requestHandler: new NodeHttpHandler(),
    };
    this.#kinesis = new KinesisClient({ ...common, endpoint: places.kinesis });
    this.#sqs = new SQSClient({ ...common, endpoint: places.sqs, useQueueUrlAsEndpoint: false });
    this.#stream = places.stream;
    this.#queueUrl = places.queueUrl;
    this.#random = random;
  }

  /** A few malformed records with a well-formed batch of 10,000 among them, and a few malformed messages. */
  async round(): Promise<void> {
    const random = this.#random;
    const records = Array.from({ length: 4 }, () => toBytes(random.pick(RECORDS)(random)));
    records.splice(2, 0, this.#batch(10_000));
    await this.#put(records);
    for (let count = 0; count < 3; count += 1) await this.#send(random.pick(MESSAGES)(random));
    this.report.batchedEvents += 10_000;
  }

  /** Each malformed record and message once. */
  async everything(): Promise<void> {
    for (const make of RECORDS) await this.#put([toBytes(make(this.#random)), this.#batch(1)]);
    this.report.batchedEvents += RECORDS.length;
    for (const make of MESSAGES) await this.#send(make(this.#random));
  }

  /** A batch whose key was never used before. */
  #batch(events: number): Buffer {
    return Buffer.from(JSON.stringify([1, `${this.#random.next()}`, Array(events).fill(BATCHED)]));
  }

  close(): void {
    this.#kinesis.destroy();
    this.#sqs.destroy();
  }

  async #put(records: readonly Buffer[]): Promise<void> {
    for (const Data of records) {
      const Records = [{ Data, PartitionKey: String(this.#random.next()) }];
      await this.#kinesis.send(new PutRecordsCommand({ StreamName: this.#stream, Records }));
      this.report.records += 1;
    }
  }

  async #send(body: Buffer | string): Promise<void> {
    const command = new SendMessageCommand({ QueueUrl: this.#queueUrl, MessageBody: String(body) });
    await this.#sqs.send(command);
    this.report.messages += 1;
  }
}

function toBytes(data: Buffer | string): Buffer {
  const bytes = typeof data === 'string' ? Buffer.from(data) : data;
  // The stream refuses records without a byte.
  return bytes.length === 0 ? Buffer.from('\u0000') : bytes;
}
