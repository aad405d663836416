// Hostile requests as bytes: methods, paths, headers and framing that no HTTP client would send.
import { BATCH_KINDS, everyKey, hostileBatch } from './batch-bodies.ts';
import { BODY_KINDS, type HostileBody, hostileBody } from './bodies.ts';
import type { Random } from './random.ts';

/** One request, byte for byte. */
export interface HostileRequest {
  readonly kind: string;
  readonly verb: string;
  readonly bytes: Buffer;
  /** Whether the server may close the connection without an answer: what was sent is no whole request. */
  readonly mayBeUnanswered: boolean;
}

type Maker = (random: Random) => HostileRequest;

const ROUTES: readonly [verb: string, path: string][] = [
  ['POST', '/v1/events'],
  ['GET', '/v1/counts/hostile/hostile'],
  ['GET', '/v1/counts/hostile/hostile?by=minute&from=2026-11-22T05:00Z&to=2026-11-22T06:00Z'],
  ['GET', '/v1/top/hostile?by=hour&k=100'],
  ['POST', '/v1/counts:batch'],
  ['GET', '/v1/status'],
  ['GET', '/v1/openapi.json'],
  ['GET', '/v1/audit?from=2026-11-22T05:00Z&to=2026-11-22T06:00Z'],
  ['GET', '/v1/admin/counts/hostile/hostile'],
  ['POST', '/v1/admin/repair'],
  ['POST', '/v1/admin/redrive'],
];

const SEGMENTS = [
  '..',
  '.',
  '%2e%2e',
  '%00',
  '%',
  '%zz',
  '%ff%fe',
  '%F0%9F%98%80',
  '%u0041',
  '%2F%2F',
  '',
  '%ED%A0%80',
  '*',
  '{metric}',
  '$context',
  '__proto__',
  'constructor',
  ';a=b',
  '%0d%0aX: y',
  '\u00fc',
  'a'.repeat(3_000),
];
const QUERIES = [
  'by=week',
  'by=%00',
  'by=minute&by=hour',
  'from=NaN&to=-1',
  'from=0&to=9999999999999999',
  'from=2026-11-22T05:00Z',
  'from[]=1',
  '__proto__=1',
  '%',
  '&&&&',
  `from=${'9'.repeat(4_000)}`,
  'by=minute&fill=zero&from=0&to=253402300799999',
  'from=2026-11-22T05%3A00%3A00%2B99:99',
  'by=day&tz=../../etc/passwd',
  'by=day&tz=Europe/Berlin&from=0&to=253402300740000&limit=50000',
  'by=month&compare=previous&from=0&to=253402300740000',
  'next=eyJhIjoxfQ',
  'slice=1/0',
  'slice=-1/999999999',
];
const VERBS = [
  'GET',
  'POST',
  'PUT',
  'DELETE',
  'PATCH',
  'HEAD',
  'OPTIONS',
  'TRACE',
  'PROPFIND',
  'get',
  'G\u0000T',
  'BREW',
  'A'.repeat(500),
];
const TYPES = [
  'application/json',
  'text/plain',
  'text/plain;charset=utf-16',
  'application/x-www-form-urlencoded',
  'multipart/form-data; boundary=x',
  'application/json; charset=latin-1',
  'application/JSON',
  '*/*',
  '',
  ',',
  'application/json, text/plain',
  'text/html\u0000',
  '__proto__',
  'constructor',
];
const SIGNATURE =
  'Authorization: AWS4-HMAC-SHA256 Credential=x/20261122/us-east-1/execute-api/aws4_request, SignedHeaders=host, Signature=00';

const MAKERS: Readonly<Record<string, Maker>> = {
  body: (random) => {
    const { kind, bytes } = hostileBody(random);
    return request(`body: ${kind}`, 'POST', '/v1/events', ['Content-Type: application/json'], bytes);
  },
  batch: (random) => posted(hostileBatch(random)),
  origin: (random) => {
    const origin = random.pick(['null', '*', 'x: y', '\u00fc', '$context.requestId', 'a'.repeat(4_000)]);
    const headers = ['Content-Type: text/plain', `Origin: ${origin}`];
    return request('origin', random.pick(['POST', 'OPTIONS']), '/v1/events', headers);
  },
  'admin body': (random) => {
    const route = random.pick([
      '/v1/admin/repair',
      '/v1/admin/redrive',
      '/v1/audit',
      '/v1/status',
      '/v1/unknown',
    ]);
    return request(
      'admin body',
      'POST',
      route,
      [SIGNATURE, 'Content-Type: application/json'],
      hostileBody(random).bytes,
    );
  },
  'broken kept connection': (random) => {
    const whole = 'GET /v1/status HTTP/1.1\r\nHost: x\r\n\r\n';
    return raw(
      'broken kept connection',
      'GET',
      ['GET /v1/status HTTP/1.1', 'Host: x', 'Connection: keep-alive'],
      Buffer.concat([Buffer.from(whole.repeat(random.below(5))), random.bytes(200)]),
      true,
    );
  },
  'content type': (random) =>
    request(
      'content type',
      'POST',
      '/v1/events',
      [`Content-Type: ${random.pick(TYPES)}`],
      hostileBody(random, 'truncated').bytes,
    ),
  'content encoding': (random) =>
    request(
      'content encoding',
      'POST',
      '/v1/events',
      [
        'Content-Type: application/json',
        `Content-Encoding: ${random.pick(['gzip', 'br', 'deflate, gzip', 'identity', 'x'])}`,
      ],
      hostileBody(random, random.pick(['gzip', 'compressed bomb', 'truncated'])).bytes,
    ),
  path: (random) => {
    const base = random.pick([
      '/v1/counts/hostile',
      '/v1/counts',
      '/v1',
      '',
      '/v1/admin/counts/hostile',
      '//v1//counts//hostile',
    ]);
    const segments = Array.from({ length: 1 + random.below(4) }, () => random.pick(SEGMENTS));
    return request(
      'path',
      random.pick(['GET', 'POST']),
      `${base}/${segments.join('/')}`.replaceAll(/[\s]/g, '+'),
      random.chance(0.5) ? [SIGNATURE] : [],
    );
  },
  query: (random) => {
    const [verb, path] = random.pick(ROUTES.slice(1));
    const query = Array.from({ length: 1 + random.below(3) }, () => random.pick(QUERIES)).join('&');
    return request('query', verb, `${path.split('?')[0]}?${query}`, [SIGNATURE]);
  },
  'request target': (random) =>
    request(
      'request target',
      'GET',
      random.pick([
        '*',
        'http://example.com/v1/status',
        'v1/status',
        '/v1/status#x',
        '\\v1\\status',
        '/v1/status?a=b?c=d',
        `/${'a/'.repeat(3_000)}`,
        `/v1/status?${'x'.repeat(9_000)}`,
      ]),
      [],
    ),
  verb: (random) => request('verb', random.pick(VERBS), random.pick(ROUTES)[1], []),
  'many headers': (random) => {
    const many = random.pick([100, 2_500, 20_000]);
    return request(
      'many headers',
      'GET',
      '/v1/status',
      Array.from({ length: many }, (_, at) => `X-H${at}: ${at}`),
    );
  },
  'long header': (random) =>
    request('long header', 'GET', '/v1/status', [
      `X-Long: ${'x'.repeat(random.pick([9_000, 12_000, 100_000, 2_000_000]))}`,
    ]),
  'strange header': (random) =>
    request('strange header', random.pick(['GET', 'POST']), random.pick(['/v1/status', '/v1/events']), [
      random.pick([
        'X: a\rb',
        'X: \u0000',
        ': empty',
        'X Y: z',
        'X\u00fc: y',
        ' folded: x',
        'Host: a, b',
        'Host: ',
        `Cookie: ${'a=b;'.repeat(1_000)}`,
        'Expect: 200-maybe',
        'Expect: 100-continue',
        'Upgrade: websocket\r\nConnection: Upgrade',
        'Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings',
        'Origin: null',
        'Range: bytes=0-',
        'X-HTTP-Method-Override: DELETE',
        'Authorization: Basic eDp5',
        'Authorization: AWS4-HMAC-SHA256 Signature=',
        'x-api-key: \u00ff',
        'x-api-key: __proto__',
        'X-Forwarded-For: 1.2.3.4\r\nX-Amzn-Trace-Id: x',
      ]),
    ]),
  'conflicting lengths': (random) => {
    const lines = random.pick([
      ['Content-Length: 5', 'Content-Length: 50'],
      ['Content-Length: 5', 'Transfer-Encoding: chunked'],
      ['Content-Length: -1'],
      ['Content-Length: 1e3'],
      ['Content-Length: 0x10'],
      ['Content-Length: 99999999999999999999'],
      ['Content-Length: 3'],
      ['Transfer-Encoding: gzip, chunked'],
      ['Transfer-Encoding: identity'],
      ['Transfer-Encoding: chunked, chunked'],
    ]);
    return raw(
      'conflicting lengths',
      'POST',
      [
        'POST /v1/events HTTP/1.1',
        'Host: x',
        'Connection: close',
        'Content-Type: application/json',
        ...lines,
      ],
      Buffer.from('{"events":[]}'),
      true,
    );
  },
  chunked: (random) => {
    const body = random.pick([
      'd\r\n{"events":[]}\r\n0\r\n\r\n',
      '5\r\n{"eve\r\n8\r\nnts":[]}\r\n0\r\n\r\n',
      'zz\r\n',
      'ffffffffffffffff\r\nx',
      '-1\r\nx\r\n',
      '3\r\nabcdef\r\n0\r\n\r\n',
      `1;${'e'.repeat(30_000)}\r\nx\r\n0\r\n\r\n`,
      '0\r\nTrailer: x\r\n\r\n',
    ]);
    return raw(
      'chunked',
      'POST',
      [
        'POST /v1/events HTTP/1.1',
        'Host: x',
        'Connection: close',
        'Content-Type: application/json',
        'Transfer-Encoding: chunked',
      ],
      Buffer.from(body),
      true,
    );
  },
  'not http': (random) =>
    raw(
      'not http',
      'GET',
      [
        random.pick([
          'GET /v1/status',
          'GET /v1/status HTTP/9.9',
          'GET /v1/status HTTP/1.0',
          'HELO example',
          '\u0016\u0003\u0001\u0002\u0000',
          'PRI * HTTP/2.0\r\n\r\nSM',
          'GET  /v1/status  HTTP/1.1',
        ]),
      ],
      random.bytes(random.below(50)),
      true,
    ),
  'without host': () =>
    raw('without host', 'GET', ['GET /v1/status HTTP/1.1', 'Connection: close'], Buffer.alloc(0), false),
  'several at once': (random) => {
    const smuggled = 'GET /v1/status HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n';
    const { bytes } = hostileBody(random, 'truncated');
    return raw(
      'several at once',
      'POST',
      [
        'POST /v1/events HTTP/1.1',
        'Host: x',
        'Content-Type: application/json',
        `Content-Length: ${bytes.length}`,
      ],
      Buffer.concat([bytes, Buffer.from(smuggled)]),
      false,
    );
  },
};

/** The kinds of request there are. */
const REQUEST_KINDS: readonly string[] = Object.keys(MAKERS);

/** A request of the kind, or of any; bodies more often than the others. */
export function hostileRequest(random: Random, wanted?: string): HostileRequest {
  const kind = wanted ?? (random.chance(0.4) ? 'body' : random.pick(REQUEST_KINDS));
  const maker = MAKERS[kind];
  if (maker === undefined) throw new RangeError(`there is no request of the kind ${kind}`);
  return maker(random);
}

/** One request of every kind, and one for every kind of body. */
export function* everyRequest(random: Random): Generator<HostileRequest> {
  for (const kind of REQUEST_KINDS) yield hostileRequest(random, kind);
  for (const kind of BODY_KINDS) {
    const { bytes } = hostileBody(random, kind);
    yield request(`body: ${kind}`, 'POST', '/v1/events', ['Content-Type: application/json'], bytes);
  }
  for (const kind of BATCH_KINDS) yield posted(hostileBatch(random, kind));
  for (const body of everyKey()) yield posted(body);
}

function posted({ kind, bytes }: HostileBody): HostileRequest {
  return request(kind, 'POST', '/v1/events', ['Content-Type: application/json'], bytes);
}

function request(
  kind: string,
  verb: string,
  path: string,
  headers: readonly string[],
  body?: Buffer,
): HostileRequest {
  const bytes = body ?? (verb === 'POST' ? Buffer.from('{}') : Buffer.alloc(0));
  const length = body !== undefined || verb === 'POST' ? [`Content-Length: ${bytes.length}`] : [];
  const head = [
    `${verb} ${path} HTTP/1.1`,
    'Host: hostile.example',
    'Connection: close',
    ...length,
    ...headers,
  ];
  return raw(kind, verb, head, bytes, false);
}

function raw(
  kind: string,
  verb: string,
  head: readonly string[],
  body: Buffer,
  mayBeUnanswered: boolean,
): HostileRequest {
  return {
    kind,
    verb,
    bytes: Buffer.concat([Buffer.from(`${head.join('\r\n')}\r\n\r\n`, 'utf8'), body]),
    mayBeUnanswered,
  };
}
