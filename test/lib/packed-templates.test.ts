// Packs at the front door: what its model refuses, where its template puts them, and what it answers when they are too much.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, test } from 'node:test';
import { Ajv } from 'ajv';
import fc from 'fast-check';
import { EVENTS_MAX, PACK_EVENTS_MAX, PACKS_MAX } from '../../api/events.ts';
import { RECORDS_MAX } from '../../client/src/packing.ts';
import { bucketOf, PACK_EVENTS_MAX as CLIENTS_MAX, PACK_BUCKETS, packsOf } from '../../client/src/packs.ts';
import { decodeRecord } from '../../lambdas/counting/event.ts';
import { AWKWARD_TEXTS, sentEvent } from '../support/awkward-events.ts';
import { eventsMethod, renderAnswer, renderRequest } from '../support/front-door-templates.ts';
import { modelOf, templateJson } from '../support/stack-template.ts';

const template = templateJson('prod');
const ajv = new Ajv({ strict: false, allowUnionTypes: true });
const { $schema: _, ...schema } = modelOf(template, 'Packs');
const validate = ajv.compile(schema);

const md5 = (text: string) => createHash('md5').update(text, 'utf8').digest();
const idOf = ({ id }: { readonly id?: string }) => id ?? '';
const identified = sentEvent.filter(({ id }) => id !== undefined);
const fine = { id: 'a', metric: 'view', entity: '/index.html' };

interface PutRecords {
  readonly StreamName: string;
  readonly Records: readonly { Data: string; PartitionKey: string; ExplicitHashKey: string }[];
}

/** The PutRecords request that a stage makes of packs. */
function rendered(packs: unknown, from = template): PutRecords {
  return JSON.parse(renderRequest(from, 'application/json', JSON.stringify({ packs }), 'eventspacked'));
}

/** Kinesis' own rule for a record without an explicit hash key. */
const hashKeyOf = (partitionKey: string) => BigInt(`0x${Buffer.from(md5(partitionKey)).toString('hex')}`);

test('whatever the schema lets through comes out as it went in, each pack a record where its bucket begins', () => {
  fc.assert(
    fc.property(fc.array(identified, { minLength: 1, maxLength: 30 }), (events) => {
      const packs = packsOf(events, idOf, md5, 16);
      assert.ok(validate(JSON.parse(JSON.stringify({ packs }))), JSON.stringify(validate.errors));
      const { StreamName, Records } = rendered(packs);
      assert.equal(StreamName, 'the-stream');
      const data = Records.map(({ Data }) => JSON.parse(Buffer.from(Data, 'base64').toString('utf8')));
      assert.deepEqual(data, JSON.parse(JSON.stringify(packs.map((pack) => pack.events))));
      for (const [index, { PartitionKey, ExplicitHashKey, ...rest }] of Records.entries()) {
        assert.deepEqual(Object.keys(rest), ['Data']);
        assert.equal(PartitionKey, packs[index]?.bucket);
        assert.equal(BigInt(ExplicitHashKey), BigInt(`0b${PartitionKey}`) << 124n);
      }
      for (const { Data } of Records)
        for (const decoded of decodeRecord(Buffer.from(Data, 'base64'), 0))
          assert.ok(!('rejected' in decoded));
    }),
    { numRuns: 200 },
  );
});

for (const buckets of PACK_BUCKETS) {
  test(`of ${buckets} buckets: a pack meets its events sent alone on any shard that cuts no bucket`, () => {
    const stage = templateJson('prod', { packBuckets: buckets });
    const width = 2n ** 128n / BigInt(buckets);
    fc.assert(
      fc.property(
        fc.array(fc.string({ minLength: 1, maxLength: 128 }), { minLength: 1, maxLength: 5 }),
        (ids) => {
          const events = ids.filter((id) => id.isWellFormed()).map((id) => ({ ...fine, id }));
          for (const { bucket, events: packed } of packsOf(events, idOf, md5, buckets)) {
            const [record] = rendered([{ bucket, events: packed }], stage).Records;
            const from = BigInt(record?.ExplicitHashKey ?? -1);
            assert.equal(from % width, 0n);
            for (const { id } of packed) {
              const alone = hashKeyOf(id);
              assert.ok(alone >= from && alone < from + width, id);
            }
          }
        },
      ),
      { numRuns: 50 },
    );
  });
}

test('the first bits of a hash, as many as tell the buckets apart', () => {
  const digest = new Uint8Array([0b0110_1001, 0b1100_0000]);
  assert.equal(bucketOf(digest, 16), '0110');
  assert.equal(bucketOf(digest, 256), '01101001');
  assert.equal(bucketOf(digest, 1024), '0110100111');
  assert.equal(bucketOf(new Uint8Array(16), 16), '0000');
});

test('the largest pack there can be is within a record', () => {
  assert.equal(PACK_EVENTS_MAX, CLIENTS_MAX);
  assert.deepEqual([PACKS_MAX, EVENTS_MAX], [RECORDS_MAX, RECORDS_MAX]);
  // Six bytes for each character: what a serializer may make of one at most.
  const escaped = '\\u2028';
  const largest = `{"id":"${escaped.repeat(128)}","metric":"${'m'.repeat(64)}","entity":"${escaped.repeat(512)}","at":"2026-11-22T05:07:01.123456789-08:00","n":-1000000000}`;
  assert.ok(PACK_EVENTS_MAX * (largest.length + 1) + 1 + '0110'.length <= 2 ** 20);
  const pack = Array.from({ length: 600 }, () => fine);
  assert.deepEqual(
    packsOf(pack, idOf, md5, 16).map(({ events }) => events.length),
    [250, 250, 100],
    'more of one bucket are further packs of it',
  );
});

describe('refused', () => {
  const pack = { bucket: '0110', events: [fine] };
  const bodies: Record<string, unknown> = {
    'events instead of packs': { events: [fine] },
    'events beside packs': { packs: [pack], events: [fine] },
    'no pack': { packs: [] },
    '501 packs': { packs: Array(501).fill(pack) },
    'no bucket': { packs: [{ events: [fine] }] },
    'a bucket of other buckets': { packs: [pack, { ...pack, bucket: '01101' }] },
    'a bucket that is a number': { packs: [{ ...pack, bucket: 6 }] },
    'a bucket that is no bits': { packs: [{ ...pack, bucket: '0120' }] },
    'a bucket with a line end': { packs: [{ ...pack, bucket: '0110\n' }] },
    'a pack without events': { packs: [{ bucket: '0110', events: [] }] },
    'a pack of 251': { packs: [{ ...pack, events: Array(251).fill(fine) }] },
    'a field beside the bucket': { packs: [{ ...pack, hashKey: '0' }] },
    'an event without an id': { packs: [pack, { ...pack, events: [fine, { ...fine, id: undefined }] }] },
    'an event that breaks a rule': { packs: [{ ...pack, events: [fine, { ...fine, n: 0.5 }] }] },
  };
  for (const [name, body] of Object.entries(bodies))
    test(name, () => assert.equal(validate(JSON.parse(JSON.stringify(body))), false));
});

test('a bucket with a line end is refused as API Gateway reads patterns, too: for Java, $ stands before one', () => {
  const source = JSON.stringify(schema).replaceAll('$"', '(?=[\\\\r\\\\n\\\\u0085\\\\u2028\\\\u2029]?$)"');
  const asJava = ajv.compile(JSON.parse(source));
  const withBucket = (bucket: string) => asJava({ packs: [{ bucket, events: [fine] }] });
  assert.ok(withBucket('0110'));
  assert.ok(
    asJava({ packs: [{ bucket: '0110', events: [{ ...fine, metric: 'view\n' }] }] }),
    'as Java would',
  );
  assert.equal(withBucket('0110\n'), false);
});

test('nothing breaks out of the template, whatever a bucket or an event holds', () => {
  for (const text of AWKWARD_TEXTS) {
    // The schema refuses such a bucket; the template must not need it to.
    const { Records } = rendered([{ bucket: text, events: [{ id: text, metric: 'view', entity: text }] }]);
    assert.equal(Records.length, 1);
    assert.equal(Records[0]?.PartitionKey, text);
    assert.doesNotMatch(Records[0]?.ExplicitHashKey ?? '', /^[0-9]+$/);
  }
});

test('the answer numbers packs, and says of too much that it is too much', () => {
  const taken = { SequenceNumber: '1', ShardId: 'shardId-000000000000' };
  const refused = { ErrorCode: 'ProvisionedThroughputExceededException', ErrorMessage: 'x' };
  const said = (status: number, body: unknown) =>
    renderAnswer(template, status, JSON.stringify(body), 'eventspacked');
  const all = said(200, { FailedRecordCount: 0, Records: [taken, taken] });
  assert.deepEqual([all.status, JSON.parse(all.body)], [202, { accepted: 2 }]);
  const some = said(200, { FailedRecordCount: 1, Records: [taken, refused, taken] });
  assert.equal(some.status, 503);
  const { failed, accepted } = JSON.parse(some.body);
  assert.deepEqual([failed, accepted], [[{ index: 1, code: refused.ErrorCode }], 2]);
  for (const [type, status] of [
    ['InvalidArgumentException', 413],
    ['ProvisionedThroughputExceededException', 429],
    ['ValidationException', 500],
    ['AccessDeniedException', 500],
  ] as const) {
    const answer = said(400, { __type: type, message: 'Records size exceeds 5 MB limit' });
    assert.equal(answer.status, status, type);
    assert.ok(JSON.parse(answer.body).message.length > 0);
  }
  assert.equal(renderAnswer(template, 400, '{"__type":"InvalidArgumentException"}').status, 500);
});

test('templates keep to what Velocity on AWS and velocityjs treat alike', () => {
  const { RequestTemplates, IntegrationResponses } = eventsMethod(template, 'eventspacked').Integration;
  const sources = JSON.stringify([RequestTemplates, IntegrationResponses]);
  const directives = new Set(sources.match(/#[a-z]+\b/g));
  for (const directive of directives)
    assert.ok(['#set', '#if', '#elseif', '#else', '#foreach', '#end'].includes(directive), directive);
  const calls = new Set(sources.match(/\.\w+\(/g));
  for (const call of calls)
    assert.ok(['.path(', '.json(', '.base64Encode(', '.size(', '.get('].includes(call), call);
});
