// JSON: access logs, and any other lines.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clf, g, NOON_MS, outcomesOf, table } from './support/table.ts';

table('JSON access logs', [
  [
    'nginx: time_local',
    '{"time_local":"03/Nov/2026:12:00:00 +0000","request":"GET /n?x HTTP/1.1","status":"200"}',
    '/n',
  ],
  [
    'nginx: bytes as \\xNN',
    '{"time_iso8601":"2026-11-03T12:00:00+00:00","request_uri":"/\\xC3\\xA9\\x22?x","request_method":"GET","status":200}',
    '/é"',
  ],
  [
    'Caddy',
    '{"level":"info","ts":1793707200.5,"logger":"http.log.access","request":{"method":"GET","host":"x","uri":"/caddy?q"},"status":200}',
    '/caddy 2026-11-03T12:00:00.500Z',
  ],
  [
    'Traefik',
    '{"DownstreamStatus":200,"RequestMethod":"GET","RequestPath":"/t?x","StartUTC":"2026-11-03T12:00:00.123456789Z","time":"2026-11-03T13:00:00+01:00"}',
    '/t 2026-11-03T12:00:00.123Z',
  ],
  [
    'API Gateway',
    '{"requestTime":"03/Nov/2026:12:00:00 +0000","httpMethod":"GET","path":"/pets","resourcePath":"/{p}","status":"200"}',
    '/pets',
  ],
  [
    'CloudFront v2: date and time apart',
    '{"date":"2026-11-03","time":"12:00:00","cs-method":"GET","cs-uri-stem":"/cf","sc-status":"200"}',
    '/cf',
  ],
  [
    'API Gateway: an HTTP API’s route',
    '{"requestTime":"03/Nov/2026:12:00:00 +0000","httpMethod":"GET","routeKey":"GET /pets/{id}","status":"200"}',
    '/pets/{id}',
  ],
  [
    'Envoy',
    '{"start_time":"2026-11-03T12:00:00.000Z","method":"GET","path":"/e?x","protocol":"HTTP/2","response_code":200}',
    '/e',
  ],
  [
    'bytes that are not UTF-8 beside the entity',
    Buffer.from(`{"ts":1793707200,"method":"GET","uri":"/x","status":200,"agent":"\xff"}`, 'latin1'),
    '/x',
  ],
  [
    'bytes that are not UTF-8 in the entity',
    Buffer.from(`{"ts":1793707200,"method":"GET","uri":"/\xff","status":200}`, 'latin1'),
    'malformed: it has no request',
    { format: 'json-access' },
  ],
  [
    'an access log among other JSON',
    `${'{"level":"info","msg":"hello"}\n'.repeat(3)}{"ts":1793707200,"method":"GET","uri":"/x","status":200}`,
    [
      'malformed: the time does not exist',
      'malformed: the time does not exist',
      'malformed: the time does not exist',
      '/x',
    ],
  ],
  ['status and method filters', '{"ts":1793707200,"method":"GET","uri":"/x","status":404}', 'skipped'],
  [
    'where of them',
    '{"ts":1793707200,"method":"GET","uri":"/x","status":404}',
    '/x',
    { where: ['status=4xx'] },
  ],
  [
    'one JSON line does not make a file JSON',
    `{"a":1}\n::1 - - ${clf} "GET /a HTTP/1.1" 200 5\n::1 - - ${clf} "GET /b HTTP/1.1" 200 5`,
    ['malformed: it has no [time] "request" status, as access logs have', '/a', '/b'],
  ],
]);

table(
  'JSON lines',
  [
    ['ISO with +00', '{"g":"a","t":"2026-11-03T12:00:00+00"}', 'a'],
    ['ISO with second 60', '{"g":"a","t":"2015-06-30T23:59:60Z"}', 'a 2015-06-30T23:59:59Z'],
    ['ISO with UTC', '{"g":"a","t":"2026-11-03 12:00:00 UTC"}', 'a'],
    ['a lower-case t', '{"g":"a","t":"2026-11-03t12:00:00z"}', 'a'],
    ['the basic form', '{"g":"a","t":"20261103T120000Z"}', 'a'],
    [
      'more than nine decimals',
      '{"g":"a","t":"2026-11-03T12:00:00.123456789012Z"}',
      'a 2026-11-03T12:00:00.123Z',
    ],
    ['Go’s own form', '{"g":"a","t":"2026-11-03 12:00:00.5 +0000 UTC"}', 'a 2026-11-03T12:00:00.500Z'],
    ['a zone by name after its offset', '{"g":"a","t":"2026-11-03T13:00:00+01:00[Europe/Berlin]"}', 'a'],
    ['slashes', '{"g":"a","t":"2026/11/03 12:00:00"}', 'a'],
    ['an epoch with an exponent', '{"g":"a","t":1.7937072e9}', 'a'],
    ['an epoch with a fraction', '{"g":"a","t":1793707200.999}', 'a 2026-11-03T12:00:00.999Z'],
    [
      'nanoseconds do not round into the next minute',
      '{"g":"a","t":1793707259999999999}',
      'a 2026-11-03T12:00:59.999Z',
    ],
    ['microseconds', '{"g":"a","t":1793707200000000}', 'a'],
    [
      'a calendar number is no epoch',
      '{"g":"a","t":20261103}',
      'malformed: 20261103 in field t looks like a date: --time-unit iso reads it as one, s or ms as an epoch',
    ],
    [
      'a calendar number of minutes',
      '{"g":"a","t":202611031200}',
      'malformed: 202611031200 in field t looks like a date: --time-unit iso reads it as one, s or ms as an epoch',
    ],
    ['a calendar number that is meant so', '{"g":"a","t":20261103120000}', 'a', { timeUnit: 'iso' }],
    [
      'nested and dotted keys',
      '{"a":{"b.c":{"d":"x"}},"t":1793707200}',
      'x',
      { entity: 'a.b.c.d', time: 't' },
    ],
    ['ids beyond 2^53 keep their digits', '{"g":9007199254740993,"t":1793707200}', '9007199254740993'],
    ['several objects on a line', '{"g":"a","t":1793707200}{"g":"b","t":1793707200}', ['a', 'b']],
    ['an array on a line', '[{"g":"a","t":1793707200},{"g":"b","t":1793707200}]', ['a', 'b']],
    ['an array with an id beyond 2^53', '[{"g":9007199254740993,"t":1793707200}]', '9007199254740993'],
    [
      'an array over several lines',
      '[\n{"g":"a","t":1793707200},\n{"g":"b","t":1793707200}\n]',
      ['ignored', 'a', 'b', 'ignored'],
    ],
    ['a byte order mark', '\ufeff{"g":"a","t":1793707200}', 'a'],
    ['filters', '{"g":"a","t":1793707200,"status":404}', 'skipped', { where: ['status=200'] }],
    ['the query of a URI', '{"uri":"/a?x","t":1793707200}', '/a', { entity: 'uri', time: 't' }],
    [
      'a metric from a field',
      '{"g":"a","t":1793707200,"kind":"no good"}',
      'rejected: a metric is 1 to 64 letters, digits, points, dashes and underscores',
      { metricField: 'kind' },
    ],
    [
      'no entity',
      '{"h":"a","t":1793707200}\n{"g":"a","t":1793707200}',
      ['malformed: it has no field g', 'a'],
    ],
  ],
  g,
);

test('Apache: a raw byte in one field leaves the escaped backslashes of the others alone', () => {
  const entityOf = (path: string, agent: string) => {
    const fields = `"time":"2026-11-03T12:00:00Z","method":"GET","status":"200","agent":"${agent}"`;
    const [outcome] = outcomesOf(`{${fields},"path":"${path}"}`, { format: 'json-access' });
    return outcome?.kind === 'event' ? outcome.entity : outcome;
  };
  for (const [path, entity] of [
    ['/a\\\\x2fetc', '/a\\x2fetc'],
    ['/a\\\\x6eb', '/a\\x6eb'],
    ['/a\\\\x41b', '/a\\x41b'],
    ['/a\\\\', '/a\\'],
  ] as const)
    for (const agent of ['ok', '\\x16', '\\\\\\x16\\\\']) assert.equal(entityOf(path, agent), entity, agent);
  assert.equal(entityOf('/\\xC3\\xA9\\\\\\x22', 'ok'), '/é\\"');
});

test('a metric from a field', () => {
  const [outcome] = outcomesOf('{"g":"a","t":1793707200,"kind":"play"}', { ...g, metricField: 'kind' });
  assert.deepEqual(outcome, { kind: 'event', metric: 'play', entity: 'a', at: NOON_MS });
});

test('a line with many objects is parsed a few times, not once for each of their fractions', ({ mock }) => {
  const objects = Array.from({ length: 50 }, (_, i) => ({ entity: `e${i}`, at: NOON_MS / 1000 + i + 0.5 }));
  const parse = mock.method(JSON, 'parse');
  const outcomes = outcomesOf(JSON.stringify(objects));
  assert.deepEqual(
    outcomes.map((one) => one.kind === 'event' && one.at),
    objects.map((_, i) => NOON_MS + i * 1000 + 500),
  );
  assert.ok(parse.mock.callCount() < 20, `${parse.mock.callCount()} times`);
});
