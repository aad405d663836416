// The mapping templates: PutRecords gets exactly the events sent, and the client an honest answer.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { decodeRecord } from '../../lambdas/core/event.ts';
import { AWKWARD_TEXTS, CONTROL_TEXTS, type SentEvent, sentEvent } from '../support/awkward-events.ts';
import { eventsMethod, renderAnswer, renderRequest } from '../support/front-door-templates.ts';
import { templateJson } from '../support/stack-template.ts';

const template = templateJson('prod');

interface PutRecords {
  readonly StreamName: string;
  readonly Records: readonly { readonly Data: string; readonly PartitionKey: string }[];
}

/** Renders the request and asserts that PutRecords would get exactly this batch. */
function assertBatchSent(
  batch: string,
  events: readonly SentEvent[],
  contentType = 'application/json',
): void {
  const { StreamName, Records }: PutRecords = JSON.parse(
    renderRequest(template, contentType, JSON.stringify({ batch, events })),
  );
  assert.equal(StreamName, 'the-stream');
  const [{ Data, ...rest } = assert.fail()] = Records;
  assert.deepEqual([Records.length, rest], [1, { PartitionKey: batch }]);
  const data = Buffer.from(Data, 'base64');
  assert.deepEqual(JSON.parse(data.toString('utf8')), [1, batch, JSON.parse(JSON.stringify(events))]);
  const decoded = decodeRecord(data, 0);
  assert.equal(decoded.batch, batch);
  assert.equal(decoded.events.length, events.length);
}

/** Renders the request and asserts that PutRecords would get exactly these events. */
function assertSent(events: readonly SentEvent[], contentType = 'application/json'): void {
  const sent: PutRecords = JSON.parse(renderRequest(template, contentType, JSON.stringify({ events })));
  assert.deepEqual(Object.keys(sent).sort(), ['Records', 'StreamName']);
  assert.equal(sent.StreamName, 'the-stream');
  const data = sent.Records.map(({ Data }) => JSON.parse(Buffer.from(Data, 'base64').toString('utf8')));
  assert.deepEqual(data, JSON.parse(JSON.stringify(events)));
  assert.deepEqual(
    sent.Records.map((record) => record.PartitionKey),
    events.map((event, index) => event.id ?? `7f3d-request:${index}`),
  );
  for (const record of sent.Records) assert.deepEqual(Object.keys(record).sort(), ['Data', 'PartitionKey']);
}

describe('an event passes unchanged', () => {
  for (const text of AWKWARD_TEXTS) {
    test(`with ${JSON.stringify(text)} in every field`, () => {
      assertSent([{ id: text, metric: 'view', entity: text }]);
      // The schema would refuse these, but they must not escape the template either.
      assertSent([{ id: text, metric: text, entity: text, at: text }]);
    });
  }
  for (const text of CONTROL_TEXTS) {
    test(`with ${JSON.stringify(text)} in the id`, () => {
      assertSent([{ id: `a${text}b`, metric: 'view', entity: 'x' }]);
    });
  }
  test('whatever the schema lets through', () => {
    fc.assert(
      fc.property(
        fc.array(sentEvent, { minLength: 1, maxLength: 20, size: 'max' }),
        fc.constantFrom('application/json', 'text/plain'),
        assertSent,
      ),
      { numRuns: 300 },
    );
  });
  test('500 of them, with and without ids', () => {
    assertSent(
      Array.from({ length: 500 }, (_, index) => ({
        metric: 'view',
        entity: `/${index}`,
        ...(index % 2 === 0 ? { id: `e${index}` } : {}),
      })),
    );
  });
});

describe('a batch is one record with its key', () => {
  for (const text of AWKWARD_TEXTS) {
    test(`with ${JSON.stringify(text)} in every field`, () => {
      assertBatchSent(text, [{ id: text, metric: 'view', entity: text }]);
    });
  }
  test('whatever the schema lets through', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...AWKWARD_TEXTS, '0b0e7a52-7f3b-4a8e-9a49-4b0e7a527f3b'),
        fc.array(sentEvent, { minLength: 1, maxLength: 20, size: 'max' }),
        fc.constantFrom('application/json', 'text/plain', 'text/plain;charset=UTF-8'),
        assertBatchSent,
      ),
      { numRuns: 300 },
    );
  });
  test('of 1 and of 500 events', () => {
    const events = Array.from({ length: 500 }, (_, index) => ({ metric: 'view', entity: `/"$#👍${index}` }));
    assertBatchSent('key', events);
    assertBatchSent('key', events.slice(0, 1));
  });
});

test('only JSON comes in, as application/json or text/plain, and Kinesis gets its own content type', () => {
  const { Integration, RequestModels, RequestValidatorId } = eventsMethod(template);
  assert.equal(Integration.PassthroughBehavior, 'NEVER');
  // The last as browsers write it: AWS does not document whether parameters matter.
  const types = ['application/json', 'text/plain', 'text/plain;charset=UTF-8'];
  assert.deepEqual(Object.keys(Integration.RequestTemplates), types);
  assert.equal(
    new Set(Object.values(Integration.RequestTemplates).map((one) => JSON.stringify(one))).size,
    1,
  );
  assert.deepEqual(Integration.RequestParameters, {
    'integration.request.header.Content-Type': "'application/x-amz-json-1.1'",
  });
  assert.deepEqual(Object.keys(RequestModels), ['$default']);
  assert.ok(RequestValidatorId);
});

test('templates use only what Velocity on AWS and velocityjs treat alike', () => {
  const { RequestTemplates, IntegrationResponses } = eventsMethod(template).Integration;
  const sources = [
    ...Object.values(RequestTemplates).map((join) => JSON.stringify(join)),
    ...IntegrationResponses.flatMap((one: { ResponseTemplates: object }) =>
      Object.values(one.ResponseTemplates),
    ),
  ].join('\n');
  const directives = new Set(sources.match(/#\w+/g));
  for (const directive of directives)
    assert.ok(['#set', '#if', '#elseif', '#else', '#foreach', '#end'].includes(directive), directive);
  const calls = new Set(sources.match(/\.\w+\(/g));
  const known = ['.path(', '.json(', '.base64Encode(', '.size(', '.params(', '.get('];
  for (const call of calls) assert.ok(known.includes(call), call);
  assert.doesNotMatch(sources, /foreach\.(?!index|hasNext)/);
  assert.doesNotMatch(sources, /escapeJavaScript|\$input\.body/);
});

const taken = {
  SequenceNumber: '49590338271490256608559692538361571095921575989136588898',
  ShardId: 'shardId-000000000000',
};
const refused = {
  ErrorCode: 'ProvisionedThroughputExceededException',
  ErrorMessage: 'Rate exceeded for shard "0"\n',
};

describe('the answer', () => {
  test('is 202 with their number if Kinesis accepted all', () => {
    const answer = renderAnswer(
      template,
      200,
      JSON.stringify({ FailedRecordCount: 0, Records: [taken, taken] }),
    );
    assert.equal(answer.status, 202);
    assert.deepEqual(JSON.parse(answer.body), { accepted: 2 });
    assert.equal(answer.headers['Retry-After'], undefined);
    assert.equal(answer.headers['Access-Control-Allow-Origin'], '*');
  });

  test('names the requesting origin, for any outcome', () => {
    for (const [status, body] of [
      [200, { FailedRecordCount: 0, Records: [taken] }],
      [200, { FailedRecordCount: 1, Records: [refused] }],
      [400, { __type: 'ProvisionedThroughputExceededException' }],
      [413, {}],
      [500, {}],
    ] as const)
      for (const name of ['Origin', 'origin']) {
        const sent = { [name]: 'https://shop.example' };
        const { headers, body: text } = renderAnswer(template, status, JSON.stringify(body), sent);
        assert.equal(headers['Access-Control-Allow-Origin'], 'https://shop.example');
        assert.equal(headers['Access-Control-Allow-Credentials'], 'true');
        assert.equal(headers['Vary'], 'Origin');
        JSON.parse(text);
      }
  });

  test('is 503 and names those not accepted, whichever they are', () => {
    fc.assert(
      fc.property(fc.array(fc.boolean(), { minLength: 1, maxLength: 500, size: 'max' }), (fates) => {
        fc.pre(fates.includes(false));
        const failures = fates.flatMap((stored, index) =>
          stored ? [] : [{ index, code: refused.ErrorCode }],
        );
        const body = JSON.stringify({
          FailedRecordCount: failures.length,
          Records: fates.map((stored) => (stored ? { ...taken, ErrorCode: null } : refused)),
        });
        const answer = renderAnswer(template, 200, body);
        assert.equal(answer.status, 503);
        assert.equal(answer.headers['Retry-After'], '1');
        const { message, ...rest } = JSON.parse(answer.body);
        assert.match(message, /send the whole request again/);
        assert.deepEqual(rest, { accepted: fates.length - failures.length, failed: failures });
      }),
      { numRuns: 100 },
    );
  });

  const whole: readonly [name: string, status: number, body: string, wanted: number][] = [
    [
      'whole-call throttling',
      400,
      '{"__type":"ProvisionedThroughputExceededException","message":"Rate \\"x\\""}',
      429,
    ],
    ['throttling of the key', 400, '{"__type":"KMSThrottlingException"}', 429],
    ['a stream that does not exist', 400, '{"__type":"ResourceNotFoundException","message":"x"}', 500],
    ['a record that is too large', 400, '{"__type":"ValidationException"}', 413],
    ['records that are too large', 400, '{"__type":"InvalidArgumentException"}', 413],
    ['a request Kinesis does not understand', 400, '{"__type":"SerializationException"}', 500],
    ['access denied', 403, '{"__type":"AccessDeniedException"}', 500],
    ['a 400 that is no JSON', 400, '<html>', 500],
    ['an oversized request', 413, '', 413],
    ['an internal failure', 500, '{"__type":"InternalFailure"}', 503],
    ['an unavailable service', 503, '', 503],
    ['a redirect', 301, '', 500],
    ['an empty success of another kind', 204, '', 500],
    ['a 200 that is no JSON', 200, '<html>', 503],
    ['a 200 that says nothing', 200, '{}', 503],
  ];
  for (const [name, status, body, wanted] of whole) {
    test(`is ${wanted} for ${name}`, () => {
      const answer = renderAnswer(template, status, body);
      assert.equal(answer.status, wanted);
      const { message } = JSON.parse(answer.body);
      assert.ok(typeof message === 'string' && message.length > 0);
      assert.equal(answer.headers['Retry-After'] !== undefined, wanted === 429 || wanted === 503);
    });
  }

  test('has only status codes and headers that the method declares', () => {
    const { MethodResponses, Integration } = eventsMethod(template);
    const declared: string[] = MethodResponses.map((one: { StatusCode: string }) => one.StatusCode);
    assert.deepEqual(declared.sort(), ['202', '413', '429', '500', '503']);
    for (const { StatusCode, ResponseParameters } of Integration.IntegrationResponses) {
      const method = MethodResponses.find((one: { StatusCode: string }) => one.StatusCode === StatusCode);
      for (const header of Object.keys(ResponseParameters))
        assert.ok(header in method.ResponseParameters, header);
    }
    // API Gateway keeps one integration response for each status code.
    const codes = Integration.IntegrationResponses.map((one: { StatusCode: string }) => one.StatusCode);
    assert.equal(new Set(codes).size, codes.length);
  });
});
