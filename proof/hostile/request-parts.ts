// The parts of hostile requests: what parsers, routers and proxies disagree about.

/** Entries without white space. */
export const words = (text: string) => text.trim().split(/\s+/);
/** One entry a line. */
export const lines = (text: string) => text.trim().split(/\n\s*/);

export const ROUTES = lines(`
  POST /v1/events
  GET /v1/counts/hostile/hostile
  GET /v1/counts/hostile/hostile?by=minute&from=2026-11-22T05:00Z&to=2026-11-22T06:00Z
  GET /v1/top/hostile?by=hour&k=100
  POST /v1/counts:batch
  GET /v1/status
  GET /v1/openapi.json
  GET /v1/admin/counts/hostile/hostile
  POST /v1/unknown`).map(words);
export const BASES = [
  ...words('/v1/counts/hostile /v1/counts /v1 /v1/admin/counts/hostile //v1//counts//hostile'),
  '',
];
export const SEGMENTS = [
  ...words('.. . %2e%2e %00 % %zz %ff%fe %F0%9F%98%80 %u0041 %2F%2F %ED%A0%80 * {metric} $context'),
  ...words('__proto__ constructor ;a=b %0d%0aX:y \u00fc'),
  '',
  'a'.repeat(3_000),
];
export const QUERIES = [
  ...words('by=week by=%00 by=minute&by=hour from=NaN&to=-1 from=0&to=9999999999999999'),
  ...words('from=2026-11-22T05:00Z from[]=1 __proto__=1 % &&&& by=day&tz=../../etc/passwd'),
  ...words('by=minute&fill=zero&from=0&to=253402300799999 from=2026-11-22T05%3A00%3A00%2B99:99'),
  'by=day&tz=Europe/Berlin&from=0&to=253402300740000&limit=50000',
  'by=month&compare=previous&from=0&to=253402300740000',
  ...words('next=eyJhIjoxfQ slice=1/0 slice=-1/999999999'),
  `from=${'9'.repeat(4_000)}`,
];
export const VERBS = [
  ...words('GET POST PUT DELETE PATCH HEAD OPTIONS TRACE PROPFIND get BREW'),
  'G\u0000T',
  'A'.repeat(500),
];
export const TYPES = [
  ...words('application/json text/plain text/plain;charset=utf-16 application/x-www-form-urlencoded'),
  ...words('application/JSON */* , text/html\u0000 __proto__ constructor'),
  'multipart/form-data; boundary=x',
  'application/json; charset=latin-1',
  'application/json, text/plain',
  '',
];
export const ENCODINGS = ['gzip', 'br', 'deflate, gzip', 'identity', 'x'];
export const ORIGINS = ['null', '*', 'x: y', '\u00fc', '$context.requestId', 'a'.repeat(4_000)];
export const TARGETS = [
  ...words('* http://example.com/v1/status v1/status /v1/status#x \\v1\\status /v1/status?a=b?c=d'),
  `/${'a/'.repeat(3_000)}`,
  `/v1/status?${'x'.repeat(9_000)}`,
];
export const HEADERS = [
  ...lines(`
    : empty
    X Y: z
    X\u00fc: y
    Host: a, b
    Expect: 200-maybe
    Expect: 100-continue
    Origin: null
    Range: bytes=0-
    X-HTTP-Method-Override: DELETE
    Authorization: Basic eDp5
    Authorization: AWS4-HMAC-SHA256 Signature=
    x-api-key: \u00ff
    x-api-key: __proto__`),
  'Host: ',
  'X: a\rb',
  'X: \u0000',
  ' folded: x',
  `Cookie: ${'a=b;'.repeat(1_000)}`,
  'Upgrade: websocket\r\nConnection: Upgrade',
  'Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings',
  'X-Forwarded-For: 1.2.3.4\r\nX-Amzn-Trace-Id: x',
];
export const LENGTHS = [
  ['Content-Length: 5', 'Content-Length: 50'],
  ['Content-Length: 5', 'Transfer-Encoding: chunked'],
  ...words('-1 1e3 0x10 99999999999999999999 3').map((length) => [`Content-Length: ${length}`]),
  ...['gzip, chunked', 'identity', 'chunked, chunked'].map((coding) => [`Transfer-Encoding: ${coding}`]),
];
export const CHUNKS = [
  'd\r\n{"events":[]}\r\n0\r\n\r\n',
  '5\r\n{"eve\r\n8\r\nnts":[]}\r\n0\r\n\r\n',
  'zz\r\n',
  'ffffffffffffffff\r\nx',
  '-1\r\nx\r\n',
  '3\r\nabcdef\r\n0\r\n\r\n',
  `1;${'e'.repeat(30_000)}\r\nx\r\n0\r\n\r\n`,
  '0\r\nTrailer: x\r\n\r\n',
];
export const FIRST_LINES = [
  ...lines(`
    GET /v1/status
    GET /v1/status HTTP/9.9
    GET /v1/status HTTP/1.0
    HELO example
    GET  /v1/status  HTTP/1.1`),
  '\u0016\u0003\u0001\u0002\u0000',
  'PRI * HTTP/2.0\r\n\r\nSM',
];
