// What each format makes of single lines: trait, options, line, and the event or the reject that is expected.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type FormatRequest, readingPlan } from '../../formats/detect.ts';
import { FormatError, type Outcome } from '../../formats/reading.ts';
import { RecordReader } from '../../formats/records.ts';

/** Reads a whole file as an import does: the format is found out unless it is named. */
function outcomesOf(text: string | Buffer, request: FormatRequest = {}): Outcome[] {
  const bytes = Buffer.from(text as string);
  const plan = readingPlan(request, bytes, true, 'file');
  if (plan === undefined) return [];
  const reader = new RecordReader(plan, 'view');
  return [...reader.push(bytes), ...reader.end()].flatMap(({ outcomes }) => outcomes);
}

/** `ENTITY TIME` of events, the kind of everything else, with the reason of what is malformed. */
function told(outcome: Outcome): string {
  if (outcome.kind === 'event')
    return `${outcome.entity} ${new Date(outcome.at).toISOString().replace('.000Z', 'Z')}`;
  return 'reason' in outcome ? `${outcome.kind}: ${outcome.reason}` : outcome.kind;
}

type Case = readonly [
  trait: string,
  line: string | Buffer,
  expected: string | readonly string[],
  request?: FormatRequest,
];

function table(name: string, cases: readonly Case[], general: FormatRequest = {}): void {
  describe(name, () => {
    for (const [trait, line, expected, request = {}] of cases) {
      test(trait, () => {
        const found = outcomesOf(line, { ...general, ...request }).map(told);
        assert.deepEqual(found, typeof expected === 'string' ? [expected] : expected);
      });
    }
  });
}

const noon = '2026-11-03T12:00:00Z';
const clf = '[03/Nov/2026:12:00:00 +0000]';
const any: FormatRequest = { where: ['any'] };

table('http logs: [time] "request" status, and what is around them is free', [
  ['common', `::1 - - ${clf} "GET /a?x=1?y HTTP/1.1" 200 5`, `/a ${noon}`],
  ['combined', `::1 - bob ${clf} "GET /a%20b/ HTTP/1.1" 200 5 "http://r/?a" "agent"`, `/a%20b/ ${noon}`],
  [
    'the zone of the line',
    '::1 - - [01/Jan/2026:00:30:00 +0545] "GET / HTTP/2" 200 -',
    '/ 2025-12-31T18:45:00Z',
  ],
  [
    'second 60 is the last of its minute',
    '::1 - - [30/Jun/2015:23:59:60 +0000] "GET / HTTP/1.1" 200 1',
    '/ 2015-06-30T23:59:59Z',
  ],
  ['a virtual host first', `www.x.org:443 ::1 - - ${clf} "GET /v HTTP/1.1" 200 5 "-" "a"`, `/v ${noon}`],
  [
    'a list of forwarded addresses first',
    `203.0.113.7, 198.51.100.2 - - ${clf} "GET /f HTTP/1.1" 200 5`,
    `/f ${noon}`,
  ],
  ['a blank in the remote user', `::1 - John Q. Public ${clf} "GET /u HTTP/1.1" 200 5`, `/u ${noon}`],
  ['double blanks', `::1  -  -  ${clf}  "GET  /d  HTTP/1.1"  200  5`, `/d ${noon}`],
  [
    'request time and upstream after the bytes',
    `::1 - - ${clf} "GET /t HTTP/1.1" 200 5 0.003 10.0.0.1:80`,
    `/t ${noon}`,
  ],
  [
    'vhost_combined with fields after it, which look like a request and a status',
    `www.x.org:443 ::1 - - ${clf} "GET /v HTTP/1.1" 200 5123 "-" "UA" 404 "TLSv1.3" - "GET /no HTTP/1.1" 200`,
    `/v ${noon}`,
  ],
  ['a quoted host before the request', `::1 ${clf} "x.org" - "GET /h HTTP/1.1" 200 5`, `/h ${noon}`],
  [
    'a quote that is not escaped, and a number after the agent',
    `::1 - - ${clf} "GET /a"b HTTP/1.1" 200 5 "-" "c" 404`,
    'malformed: it has no [time] "request" status, as access logs have',
    { format: 'combined' },
  ],
  ['nothing after the status', `::1 - - ${clf} "GET /n HTTP/1.1" 200`, `/n ${noon}`],
  ['a referrer that is cut off', `::1 - - ${clf} "GET /c HTTP/1.1" 200 5 "cut o`, `/c ${noon}`],
  ['Apache’s \\" in the target', `::1 - - ${clf} "GET /q\\"q HTTP/1.1" 200 5`, `/q\\"q ${noon}`],
  [
    'nginx’s \\x22 in target, referrer and agent',
    `::1 - - ${clf} "GET /q\\x22q HTTP/1.1" 200 5 "r\\x22" "a\\x22 404 b"`,
    `/q\\x22q ${noon}`,
  ],
  [
    'Apache’s \\" in referrer and agent',
    `::1 - - ${clf} "GET /q HTTP/1.1" 200 5 "a\\"b" "c\\" 404"`,
    `/q ${noon}`,
  ],
  ['a blank in the target', `::1 - - ${clf} "GET /a b/c HTTP/1.1" 200 5`, `/a b/c ${noon}`],
  [
    'methods with a dash',
    `::1 - - ${clf} "M-SEARCH * HTTP/1.1" 200 5`,
    `* ${noon}`,
    { where: ['method=M-SEARCH'] },
  ],
  ['VERSION-CONTROL', `::1 - - ${clf} "VERSION-CONTROL /w HTTP/1.1" 200 5`, `/w ${noon}`, any],
  ['HTTP/2.0', `::1 - - ${clf} "GET /h2 HTTP/2.0" 200 5`, `/h2 ${noon}`],
  ['HTTP/3', `::1 - - ${clf} "GET /h3 HTTP/3" 200 5`, `/h3 ${noon}`],
  ['no version', `::1 - - ${clf} "GET /h09" 200 5`, `/h09 ${noon}`],
  ['absolute form', `::1 - - ${clf} "GET http://x.org/a?b HTTP/1.1" 200 5`, `http://x.org/a ${noon}`],
  ['authority form', `::1 - - ${clf} "CONNECT x.org:443 HTTP/1.1" 200 5`, `x.org:443 ${noon}`, any],
  ['wrapped in quotes', `"::1 - - ${clf} "GET /w HTTP/1.1" 200 5 "-" "a""`, `/w ${noon}`],
  ['status 304', `::1 - - ${clf} "GET / HTTP/1.1" 304 -`, 'skipped'],
  ['POST', `::1 - - ${clf} "POST / HTTP/1.1" 200 5`, 'skipped'],
  ['TLS noise', `::1 - - ${clf} "\\x16\\x03\\x01\\x02" 400 5`, 'skipped'],
  [
    'TLS noise where all is asked for',
    `::1 - - ${clf} "\\x16\\x03\\x01\\x02" 400 5`,
    'malformed: it has no request',
    any,
  ],
  ['an empty request', `::1 - - ${clf} "-" 408 -`, 'skipped'],
  ['an empty request of nginx', `::1 - - ${clf} "" 400 0 "-" "-"`, 'skipped'],
  [
    'a time that does not exist',
    `::1 - - [30/Feb/2026:12:00:00 +0000] "GET / HTTP/1.1" 200 5`,
    'malformed: the time does not exist',
    { format: 'combined' },
  ],
  [
    'a time that a client made up',
    `::1 - x[01/Jan/2020:00:00:00 +0000] ${clf} "GET /m HTTP/1.1" 200 5`,
    `/m ${noon}`,
  ],
  [
    'a quote that is not escaped',
    `::1 - - ${clf} "GET /a"b HTTP/1.1" 200 5`,
    'malformed: it has no [time] "request" status, as access logs have',
    { format: 'combined' },
  ],
  [
    'bytes that are not UTF-8 in the query',
    Buffer.from(`::1 - - ${clf} "GET /?q=\xff HTTP/1.1" 200 5 "\xfe"`, 'latin1'),
    `/ ${noon}`,
  ],
  [
    'bytes that are not UTF-8 in the entity',
    Buffer.from(`::1 - - ${clf} "GET /\xff HTTP/1.1" 200 5`, 'latin1'),
    'malformed: the entity is not UTF-8, the only encoding that the service accepts',
  ],
  [
    'zero bytes before the first line',
    `${'\0'.repeat(5000)}::1 - - ${clf} "GET /z HTTP/1.1" 200 5`,
    `/z ${noon}`,
  ],
  ['a byte order mark', `\ufeff::1 - - ${clf} "GET /bom HTTP/1.1" 200 5`, `/bom ${noon}`],
  [
    'lines that end in CR alone',
    `::1 - - ${clf} "GET /1 HTTP/1.1" 200 5\r::1 - - ${clf} "GET /2 HTTP/1.1" 200 5\r`,
    [`/1 ${noon}`, `/2 ${noon}`],
  ],
  [
    'lines that end in CR alone, but for the last',
    `::1 - - ${clf} "GET /1 HTTP/1.1" 200 5\r::1 - - ${clf} "GET /2 HTTP/1.1" 200 5\r\n`,
    [`/1 ${noon}`, `/2 ${noon}`],
  ],
  [
    'Gerrit',
    `203.0.113.1 [HTTP-67] - admin [2026-11-03T12:00:00.123Z] "GET /changes/ HTTP/1.1" 200 5 12 - - "git"`,
    '/changes/ 2026-11-03T12:00:00.123Z',
  ],
  [
    'ingress-nginx',
    `::1 - - ${clf} "GET /i HTTP/2.0" 200 5 "-" "curl" 34 0.004 [default-web-80] [] 10.0.0.1:80 5 0.004 200 0f0e`,
    `/i ${noon}`,
  ],
  [
    'ingress-nginx, old',
    `::1 - [::1] - - ${clf} "GET /i HTTP/1.1" 200 5 "-" "curl" 34 0.004 [web] 10.0.0.1:80 5 0.004 200`,
    `/i ${noon}`,
  ],
  [
    'API Gateway’s CLF',
    `203.0.113.1 - - ${clf} "GET /pets/{id} HTTP/1.1" 200 12 c6af9ac6-7b61-11e6`,
    `/pets/{id} ${noon}`,
  ],
  [
    'API Gateway’s CLF of an HTTP API: method and route',
    `203.0.113.1 - - ${clf} "GET GET /pets/{id} HTTP/1.1" 200 12 c6\n203.0.113.1 - - ${clf} "GET ANY /any HTTP/1.1" 200 12 c7`,
    [`/pets/{id} ${noon}`, `/any ${noon}`],
  ],
  [
    'S3: an operation without a request',
    `79a5 bucket ${clf} - 79a5 3E5 S3.EXPIRE.OBJECT a.jpg "-" - - 113 - - - "-" "-" -`,
    'skipped',
  ],
  [
    'S3 server access log',
    `79a5 amzn-bucket ${clf} 192.0.2.3 79a5 3E57427F3EXAMPLE REST.GET.OBJECT photos/a.jpg "GET /amzn-bucket/photos/a.jpg?versionId=1 HTTP/1.1" 200 - 113 - 7 - "-" "S3Console/0.4" -`,
    `/amzn-bucket/photos/a.jpg ${noon}`,
  ],
  [
    'Envoy’s default',
    '[2026-11-03T12:00:00.310Z] "GET /e HTTP/2" 200 - 154 0 226 100 "10.0.35.28" "nsq2http" "cc21" "locations" "tcp://10.0.2.1:80"',
    '/e 2026-11-03T12:00:00.310Z',
  ],
  [
    'Envoy: status 0 where the client went away',
    '[2026-11-03T12:00:00.310Z] "GET /e HTTP/2" 0 DC 154 0 226 100 "10.0.35.28" "nsq2http" "cc21" "locations" "-"',
    'skipped',
  ],
  [
    'Traefik',
    `::1 - - ${clf} "GET /tr HTTP/1.1" 200 5 "-" "-" 1 "web@docker" "http://10.0.0.1:80" 3ms`,
    `/tr ${noon}`,
  ],
  [
    'HAProxy httplog',
    'haproxy[14389]: 10.0.1.2:33317 [03/Nov/2026:12:00:00.655] http-in static/srv1 10/0/30/69/109 200 2750 - - ---- 1/1/1/1/0 0/0 {1wt.eu} {} "GET /ha?x HTTP/1.1"',
    '/ha 2026-11-03T12:00:00.655Z',
  ],
  [
    'HAProxy httpslog: fields after the request',
    'haproxy[1]: 10.0.1.2:33317 [03/Nov/2026:12:00:00.655] in~ static/srv1 10/0/30/69/109 200 2750 - - ---- 1/1/1/1/0 0/0 "GET /ha HTTP/1.1" 0/0/0/0/0 x.org/TLSv1.3/TLS_AES_128',
    '/ha 2026-11-03T12:00:00.655Z',
  ],
  [
    'HAProxy: a request that is cut off',
    `lb haproxy[1]: 10.0.1.2:3 [03/Nov/2026:12:00:00.655] in static/srv1 1/0/3/6/+9 200 +27 - - ---- 1/1/1/1/0 0/0 "GET /${'x'.repeat(9)}`,
    '/xxxxxxxxx 2026-11-03T12:00:00.655Z',
  ],
  [
    'HAProxy: a bad request',
    'haproxy[1]: 10.0.1.2:3 [03/Nov/2026:12:00:00.655] in in/<NOSRV> -1/-1/-1/-1/0 400 0 - - PR-- 1/1/0/0/0 0/0 "<BADREQ>"',
    'skipped',
  ],
  [
    'filters on any field',
    `::1 - - ${clf} "GET /x HTTP/1.1" 206 5 "http://r/" "curl/8"`,
    `/x ${noon}`,
    { where: ['status=2xx', 'agent=curl*', 'referer!=-'] },
  ],
  [
    'a filter that does not hold',
    `::1 - - ${clf} "GET /x HTTP/1.1" 206 5 "-" "curl/8"`,
    'skipped',
    { where: ['status=2xx', 'referer!=-'] },
  ],
  [
    'prefix, pattern with a group, lower case',
    `::1 - - ${clf} "GET /en/Posts/42-Title HTTP/1.1" 200 5`,
    `posts/42 ${noon}`,
    { stripPrefix: '/en/', entityRegex: '^(Posts/\\d+)', lowercase: true },
  ],
  [
    'another entity',
    `203.0.113.7 - - ${clf} "GET / HTTP/1.1" 200 5`,
    `203.0.113.7 ${noon}`,
    { entity: 'host' },
  ],
]);

table('load balancers', [
  [
    'ALB: the path of the URL',
    'https 2026-11-03T12:00:00.1Z app/a 1.2.3.4:5 10.0.0.1:80 0 0 0 200 201 1 2 "GET https://x.org:443/p?q HTTP/2.0" "a b" A B',
    '/p 2026-11-03T12:00:00.100Z',
  ],
  [
    'ALB: blanks in the URL',
    'http 2026-11-03T12:00:00Z app/a 1.2.3.4:5 - -1 -1 -1 200 - 1 2 "GET http://x.org:80/a b HTTP/1.1" "a" - -',
    `/a b ${noon}`,
  ],
  [
    'ALB: a URL without a path',
    'http 2026-11-03T12:00:00Z app/a 1.2.3.4:5 - -1 -1 -1 200 - 1 2 "GET http://x.org:80?x HTTP/1.1" "a" - -',
    `/ ${noon}`,
  ],
  [
    'ALB: a request it could not read',
    'http 2026-11-03T12:00:00Z app/a 1.2.3.4:5 - -1 -1 -1 400 - 1 2 "- http://x.org:80- -" "-" - -',
    'skipped',
  ],
  [
    'classic ELB',
    '2026-11-03T12:00:00.5Z lb 1.2.3.4:5 10.0.0.1:80 0 0 0 200 200 0 29 "GET http://x.org:80/c HTTP/1.1" "curl" - -',
    '/c 2026-11-03T12:00:00.500Z',
  ],
  [
    'classic ELB: a TCP listener',
    '2026-11-03T12:00:00.5Z lb 1.2.3.4:5 10.0.0.1:80 0.1 0.2 0.3 - - 82 305 "- - - " "-" - -',
    'skipped',
  ],
  [
    'NLB TLS: by the name asked for',
    'tls 2.0 2026-11-03T12:00:00 net/n 6e 72.21.218.154:51341 172.100.100.185:443 5 2 98 246 - arn:aws:acm:x - ECDHE-RSA-AES128-SHA tlsv12 - www.x.org h2 h2 "h2","http/1.1" 2026-11-03T12:00:00',
    `www.x.org ${noon}`,
  ],
]);

const v1 = '#Version: 1.0\n#Fields: date time cs-uri-stem cs-method sc-status\n';
table('columns with names', [
  [
    'CloudFront v1: stems stay encoded',
    `${v1}2026-11-03\t12:00:00\t/a%2520b\tGET\t200`,
    ['ignored', 'ignored', `/a%2520b ${noon}`],
  ],
  [
    'a byte order mark before #Fields',
    `\ufeff#Fields: date time cs-uri-stem cs-method sc-status\n2026-11-03\t12:00:00\t/b\tGET\t200`,
    ['ignored', `/b ${noon}`],
  ],
  [
    'CloudFront v2 with its own order',
    '#Version: 1.0\n#Fields: timestamp sc-status cs-method cs-uri-stem\n1793707200\t200\tGET\t/v2',
    ['ignored', 'ignored', `/v2 ${noon}`],
  ],
  [
    'columns that change',
    `${v1}2026-11-03\t12:00:00\t/a\tGET\t200\n#Fields: sc-status cs-method date time cs-uri-stem\n200\tGET\t2026-11-03\t12:00:00\t/b`,
    ['ignored', 'ignored', `/a ${noon}`, 'ignored', `/b ${noon}`],
  ],
  [
    'IIS: blanks',
    '#Software: IIS\n#Fields: date time s-ip cs-method cs-uri-stem cs-uri-query s-port sc-status\n2026-11-03 12:00:00 10.0.0.1 GET /iis - 80 200',
    ['ignored', 'ignored', `/iis ${noon}`],
  ],
  [
    'IIS: the time alone, and the day in #Date',
    '#Date: 2026-11-03 11:00:00\n#Fields: time c-ip cs-method cs-uri-stem sc-status\n12:00:00 10.0.0.1 GET /old 200',
    ['ignored', 'ignored', `/old ${noon}`],
  ],
  [
    'W3C: quoted text with blanks',
    '#Fields: date time cs-method cs(User-Agent) cs-uri-stem sc-status\n2026-11-03 12:00:00 GET "Mozilla Foo" /q 200',
    ['ignored', `/q ${noon}`],
  ],
  [
    'W3C: columns named between tabs, and a blank in one',
    '#Fields: date\ttime\tcs-method\tcs-uri-stem\tsc-status\n2026-11-03\t12:00:00\tGET\t/a b\t200',
    ['ignored', `/a b ${noon}`],
  ],
  [
    'W3C: second 60',
    `${v1}2015-06-30\t23:59:60\t/a\tGET\t200`,
    ['ignored', 'ignored', '/a 2015-06-30T23:59:59Z'],
  ],
  [
    'too few columns',
    `${v1}2026-11-03\t12:00:00\t/a\tGET\t200\n2026-11-03\t12:00:00`,
    ['ignored', 'ignored', `/a ${noon}`, 'malformed: it has too few columns'],
  ],
  [
    'CloudFront real-time',
    '1793707200.123\t1.2.3.4\t10.0.0.1\t0.002\t200\t9 \tGET\thttps\tx.org\t/rt\t77',
    '/rt 2026-11-03T12:00:00.123Z',
  ],
]);

table('JSON access logs', [
  [
    'nginx: time_local',
    '{"time_local":"03/Nov/2026:12:00:00 +0000","request":"GET /n?x HTTP/1.1","status":"200"}',
    `/n ${noon}`,
  ],
  [
    'nginx: bytes as \\xNN',
    '{"time_iso8601":"2026-11-03T12:00:00+00:00","request_uri":"/\\xC3\\xA9\\x22?x","request_method":"GET","status":200}',
    `/é" ${noon}`,
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
    `/pets ${noon}`,
  ],
  [
    'CloudFront v2: date and time apart',
    '{"date":"2026-11-03","time":"12:00:00","cs-method":"GET","cs-uri-stem":"/cf","sc-status":"200"}',
    `/cf ${noon}`,
  ],
  [
    'API Gateway: an HTTP API’s route',
    '{"requestTime":"03/Nov/2026:12:00:00 +0000","httpMethod":"GET","routeKey":"GET /pets/{id}","status":"200"}',
    `/pets/{id} ${noon}`,
  ],
  [
    'Envoy',
    '{"start_time":"2026-11-03T12:00:00.000Z","method":"GET","path":"/e?x","protocol":"HTTP/2","response_code":200}',
    `/e ${noon}`,
  ],
  [
    'bytes that are not UTF-8 beside the entity',
    Buffer.from(`{"ts":1793707200,"method":"GET","uri":"/x","status":200,"agent":"\xff"}`, 'latin1'),
    `/x ${noon}`,
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
      `/x ${noon}`,
    ],
  ],
  ['status and method filters', '{"ts":1793707200,"method":"GET","uri":"/x","status":404}', 'skipped'],
  [
    'where of them',
    '{"ts":1793707200,"method":"GET","uri":"/x","status":404}',
    `/x ${noon}`,
    { where: ['status=4xx'] },
  ],
  [
    'one JSON line does not make a file JSON',
    `{"a":1}\n::1 - - ${clf} "GET /a HTTP/1.1" 200 5\n::1 - - ${clf} "GET /b HTTP/1.1" 200 5`,
    ['malformed: it has no [time] "request" status, as access logs have', `/a ${noon}`, `/b ${noon}`],
  ],
]);

const g: FormatRequest = { entity: 'g', time: 't' };
table('JSON lines', [
  ['ISO with +00', '{"g":"a","t":"2026-11-03T12:00:00+00"}', `a ${noon}`, g],
  ['ISO with second 60', '{"g":"a","t":"2015-06-30T23:59:60Z"}', 'a 2015-06-30T23:59:59Z', g],
  ['ISO with UTC', '{"g":"a","t":"2026-11-03 12:00:00 UTC"}', `a ${noon}`, g],
  ['a lower-case t', '{"g":"a","t":"2026-11-03t12:00:00z"}', `a ${noon}`, g],
  ['the basic form', '{"g":"a","t":"20261103T120000Z"}', `a ${noon}`, g],
  [
    'more than nine decimals',
    '{"g":"a","t":"2026-11-03T12:00:00.123456789012Z"}',
    'a 2026-11-03T12:00:00.123Z',
    g,
  ],
  ['Go’s own form', '{"g":"a","t":"2026-11-03 12:00:00.5 +0000 UTC"}', 'a 2026-11-03T12:00:00.500Z', g],
  [
    'a zone by name after its offset',
    '{"g":"a","t":"2026-11-03T13:00:00+01:00[Europe/Berlin]"}',
    `a ${noon}`,
    g,
  ],
  ['slashes', '{"g":"a","t":"2026/11/03 12:00:00"}', `a ${noon}`, g],
  ['an epoch with an exponent', '{"g":"a","t":1.7937072e9}', `a ${noon}`, g],
  ['an epoch with a fraction', '{"g":"a","t":1793707200.999}', 'a 2026-11-03T12:00:00.999Z', g],
  [
    'nanoseconds do not round into the next minute',
    '{"g":"a","t":1793707259999999999}',
    'a 2026-11-03T12:00:59.999Z',
    g,
  ],
  ['microseconds', '{"g":"a","t":1793707200000000}', `a ${noon}`, g],
  [
    'a calendar number is no epoch',
    '{"g":"a","t":20261103}',
    'malformed: 20261103 in field t looks like a date: --time-unit iso reads it as one, s or ms as an epoch',
    g,
  ],
  [
    'a calendar number of minutes',
    '{"g":"a","t":202611031200}',
    'malformed: 202611031200 in field t looks like a date: --time-unit iso reads it as one, s or ms as an epoch',
    g,
  ],
  [
    'a calendar number that is meant so',
    '{"g":"a","t":20261103120000}',
    `a ${noon}`,
    { ...g, timeUnit: 'iso' },
  ],
  [
    'nested and dotted keys',
    '{"a":{"b.c":{"d":"x"}},"t":1793707200}',
    `x ${noon}`,
    { entity: 'a.b.c.d', time: 't' },
  ],
  [
    'ids beyond 2^53 keep their digits',
    '{"g":9007199254740993,"t":1793707200}',
    `9007199254740993 ${noon}`,
    g,
  ],
  [
    'several objects on a line',
    '{"g":"a","t":1793707200}{"g":"b","t":1793707200}',
    [`a ${noon}`, `b ${noon}`],
    g,
  ],
  [
    'an array on a line',
    '[{"g":"a","t":1793707200},{"g":"b","t":1793707200}]',
    [`a ${noon}`, `b ${noon}`],
    g,
  ],
  [
    'an array with an id beyond 2^53',
    '[{"g":9007199254740993,"t":1793707200}]',
    `9007199254740993 ${noon}`,
    g,
  ],
  [
    'an array over several lines',
    '[\n{"g":"a","t":1793707200},\n{"g":"b","t":1793707200}\n]',
    ['ignored', `a ${noon}`, `b ${noon}`, 'ignored'],
    g,
  ],
  ['a byte order mark', '\ufeff{"g":"a","t":1793707200}', `a ${noon}`, g],
  ['filters', '{"g":"a","t":1793707200,"status":404}', 'skipped', { ...g, where: ['status=200'] }],
  ['the query of a URI', '{"uri":"/a?x","t":1793707200}', `/a ${noon}`, { entity: 'uri', time: 't' }],
  [
    'a metric from a field',
    '{"g":"a","t":1793707200,"kind":"no good"}',
    'rejected: a metric is 1 to 64 letters, digits, points, dashes and underscores',
    { ...g, metricField: 'kind' },
  ],
  [
    'no entity',
    '{"h":"a","t":1793707200}\n{"g":"a","t":1793707200}',
    ['malformed: it has no field g', `a ${noon}`],
    g,
  ],
]);

const csv: FormatRequest = { entity: '1', time: '2' };
const [at, closed] = ['1793707200', 'malformed: a quote in it is never closed, or its rest is missing'];
table('CSV and columns', [
  [
    'a stray quote gives up its own line only',
    `"/odd,${at}\n/a,${at}\n/b,${at}\n"/q",${at}\n/c,${at}`,
    [closed, `/a ${noon}`, `/b ${noon}`, `/q ${noon}`, `/c ${noon}`],
    csv,
  ],
  [
    'two stray quotes that close each other',
    `"/odd,${at}\n/a",${at}\n/b,${at}`,
    [closed, 'malformed: its quotes are not valid CSV', `/b ${noon}`],
    csv,
  ],
  ['a quoted field over two lines', `/a,${at},"one\ntwo"\n/b,${at},x`, [`/a ${noon}`, `/b ${noon}`], csv],
  ['a header by name', `path,when\n/a,${at}`, ['ignored', `/a ${noon}`], { entity: 'path', time: 'when' }],
  [
    'a byte order mark before the header',
    `\ufeffpath,when\n/a,${at}`,
    ['ignored', `/a ${noon}`],
    { entity: 'path', time: 'when' },
  ],
  ['quoted lines that end in CR alone', `"/a",${at}\r"/b",${at}\r`, [`/a ${noon}`, `/b ${noon}`], csv],
  [
    'filters by column',
    `/a,${at},404\n/b,${at},200`,
    ['skipped', `/b ${noon}`],
    { ...csv, where: ['3=200'] },
  ],
  [
    'TSV with an empty field',
    `${at}\tweb\t\t/z\t200\n${at}\tweb\tx\t/y\t200`,
    [`/z ${noon}`, `/y ${noon}`],
    { entity: '4', time: '1' },
  ],
  ['TSV by name', `when\tpath\n${at}\t/z`, ['ignored', `/z ${noon}`], { entity: 'path', time: 'when' }],
  ['columns between blanks', `  a  ${at}\nb ${at}`, [`a ${noon}`, `b ${noon}`], csv],
  ['columns: a byte order mark', `\ufeff/b ${at}`, `/b ${noon}`, csv],
  [
    'bytes that are not UTF-8 beside the entity',
    Buffer.from(`/a,${at},\xff\n/b\xff,${at},x`, 'latin1'),
    [`/a ${noon}`, 'malformed: the entity is not UTF-8, the only encoding that the service accepts'],
    csv,
  ],
  [
    'names, delimiters and comments beyond ASCII',
    `größe§wann\n§ a\n/é§${at}`,
    ['ignored', 'ignored', `/é ${noon}`],
    { entity: 'größe', time: 'wann', delimiter: '§', comment: '§', format: 'csv' },
  ],
  [
    'columns: names beyond ASCII',
    `größe wann\n/é ${at}`,
    ['ignored', `/é ${noon}`],
    { entity: 'größe', time: 'wann' },
  ],
  [
    'a year before 100, which is not one of the last century',
    '/a,0099-11-03T12:00:00Z\n/a,0001-01-01T00:00:00Z',
    Array(2).fill('malformed: column 2 holds no time (unit auto)'),
    csv,
  ],
  ['comments', `# a\n/b ${at}`, ['ignored', `/b ${noon}`], { ...csv, comment: '#' }],
  ['an empty entity with a name', `,${at}`, `none ${noon}`, { ...csv, emptyEntity: 'none' }],
  ['an empty entity without one', `,${at}`, 'rejected: the entity is empty', csv],
]);

const nginx = `log_format main '$remote_addr - $remote_user [$time_local] "$request" '\n  '$status $body_bytes_sent "$http_referer"';`;
table('templates', [
  [
    'nginx, as in its configuration',
    `::1 - - ${clf} "GET /n?x HTTP/1.1" 200 5 "-"`,
    `/n ${noon}`,
    { logFormat: nginx },
  ],
  [
    'nginx: any order',
    `1793707200.123 200 GET /m?a=b x.org`,
    '/m 2026-11-03T12:00:00.123Z',
    { logFormat: '$msec $status $request_method $request_uri $host' },
  ],
  [
    'nginx: a field to filter on',
    `::1 - - ${clf} "GET /n HTTP/1.1" 200 5 "http://x/"`,
    `/n ${noon}`,
    { logFormat: nginx, where: ['http_referer=http*'] },
  ],
  [
    'Apache, as in its configuration',
    `x.org:443 ::1 - - ${clf} "GET /a\\"b HTTP/1.1" 200 5 "-" "agent"`,
    `/a\\"b ${noon}`,
    {
      logFormat:
        'LogFormat "%v:%p %h %l %u %t \\"%r\\" %>s %O \\"%{Referer}i\\" \\"%{User-Agent}i\\"" vhost_combined',
    },
  ],
  [
    'Apache: parts of a request',
    '2026-11-03T12:00:00+0000 GET /p 200 44',
    `/p ${noon}`,
    { logFormat: '%{%Y-%m-%dT%H:%M:%S%z}t %m %U %>s %D' },
  ],
  [
    'Apache: seconds of the epoch',
    '1793707200 200 "GET /s HTTP/1.1"',
    `/s ${noon}`,
    { logFormat: '%{sec}t %s "%r"' },
  ],
  [
    'nginx: path and arguments apart',
    `${clf} "/a?x=1" GET 200`,
    `/a ${noon}`,
    { logFormat: '[$time_local] "$uri$is_args$args" $request_method $status' },
  ],
  ['Apache: path and query apart', `${clf} GET /a?x=1 200`, `/a ${noon}`, { logFormat: '%t %m %U%q %>s' }],
  [
    'nginx: a whole URL',
    `${clf} GET http://x.org/a?x=1 200`,
    `/a ${noon}`,
    { logFormat: '[$time_local] $request_method $scheme://$host$request_uri $status' },
  ],
  [
    'nginx: JSON by a template',
    '{"time":"2026-11-03T12:00:00+00:00","uri":"/a","status":200,"m":"GET"}',
    `/a ${noon}`,
    {
      logFormat: `log_format j escape=json '{"time":"$time_iso8601","uri":"$uri","status":$status,"m":"$request_method"}';`,
    },
  ],
  [
    'nginx: several upstreams, and a user with blanks',
    `::1 - John Q. Public ${clf} "GET /a HTTP/1.1" 200 10.0.0.1:80, 10.0.0.2:80 : 10.0.0.3:80 0.1, 0.2 : 0.3 end`,
    `/a ${noon}`,
    {
      logFormat:
        '$remote_addr - $remote_user [$time_local] "$request" $status $upstream_addr $upstream_response_time $x',
      where: ['x=end', 'remote_user=John Q. Public'],
    },
  ],
  [
    'a time and a request without anything around them',
    '03/Nov/2026:12:00:00 +0000 GET /a HTTP/1.1 200',
    `/a ${noon}`,
    { logFormat: '$time_local $request $status' },
  ],
  [
    'Apache: a time of its own with blanks',
    '2026-11-03 12:00:00 +0000 GET /p 200',
    `/p ${noon}`,
    { logFormat: '%{%Y-%m-%d %H:%M:%S %z}t %m %U %>s' },
  ],
  ['another line', 'garbage', 'malformed: not a line of the --log-format', { logFormat: nginx }],
  [
    'no status: fields alone',
    `${at} play /song`,
    `/song ${noon}`,
    { logFormat: '$msec $action $song', entity: 'song', where: ['action=play'] },
  ],
]);

const log = `::1 - - ${clf} \\"GET /w HTTP/1.1\\" 200 5`;
table('wrapped lines', [
  [
    'syslog, RFC 3164',
    `<190>Nov  3 12:00:00 web1 nginx: ::1 - - ${clf} "GET /w HTTP/1.1" 200 5`,
    `/w ${noon}`,
  ],
  [
    'syslog around JSON',
    'Nov  3 12:00:00 web1 caddy[12]: {"ts":1793707200,"request":{"method":"GET","uri":"/j"},"status":200}',
    `/j ${noon}`,
  ],
  [
    'syslog, RFC 5424',
    '<134>1 2026-11-03T12:00:00.003Z web1 app 12 - [x@1 a="b"] {"g":"a","t":1793707200}',
    `a ${noon}`,
    g,
  ],
  ['CRI', `2026-11-03T12:00:00.669794202Z stdout F ::1 - - ${clf} "GET /w HTTP/1.1" 200 5`, `/w ${noon}`],
  [
    'CRI: a line in two',
    '2026-11-03T12:00:00.6Z stdout P {"g":"a",\n2026-11-03T12:00:00.7Z stdout F "t":1793707200}',
    `a ${noon}`,
    g,
  ],
  [
    'Docker: a line in two',
    [`::1 - - ${clf} "GET /d HTTP/1.1" 200 5 "-" "${'é'.repeat(8200)}`, `" "GET /no HTTP/1.1"\n`]
      .map((part) => JSON.stringify({ log: part, stream: 'stdout', time: '2026-11-03T12:00:01Z' }))
      .join('\n'),
    `/d ${noon}`,
  ],
  ['Docker’s JSON', `{"log":"${log}\\n","stream":"stdout","time":"2026-11-03T12:00:01Z"}`, `/w ${noon}`],
  [
    'a blank line between',
    `<190>Nov  3 12:00:00 web1 nginx: ::1 - - ${clf} "GET /w HTTP/1.1" 200 5\n\n`,
    [`/w ${noon}`, 'ignored'],
  ],
  ['another line', `x\n`, 'malformed: it is not wrapped as cri does', { unwrap: 'cri', format: 'combined' }],
]);

test('a metric from a field', () => {
  const [outcome] = outcomesOf('{"g":"a","t":1793707200,"kind":"play"}', { ...g, metricField: 'kind' });
  assert.deepEqual(outcome, { kind: 'event', metric: 'play', entity: 'a', at: Date.parse(noon) });
});

describe('format detection', () => {
  test('TLS noise in the first hundred lines does not hide the format', () => {
    const noise = `::1 - - ${clf} "\\x16\\x03" 400 5\n`.repeat(100) + 'rubbish\n'.repeat(100);
    const found = outcomesOf(`${noise}::1 - - ${clf} "GET /a HTTP/1.1" 200 5\n`);
    assert.equal(found.filter(({ kind }) => kind === 'event').length, 1);
  });

  test('an empty file has no format, and needs none', () => {
    for (const empty of ['', '\n\n', '\r\n', '  \n']) assert.deepEqual(outcomesOf(empty), []);
  });

  for (const [trait, request, message] of [
    ['a delimiter for an access log', { delimiter: ';' }, /format combined cannot use --delimiter/],
    ['a header', { header: true }, /cannot use --header/],
    ['comments', { comment: '#' }, /cannot use --comment/],
    ['a time unit', { timeUnit: 's' }, /cannot use --time-unit/],
    ['a field that it does not have', { entity: 'song' }, /has no field song; it has method, target/],
    ['a filter on one', { where: ['song=1'] }, /has no field song/],
    ['no condition', { where: ['status'] }, /--where takes FIELD=VALUE/],
    ['a regular expression without a group', { entityRegex: '^/a' }, /needs a group/],
    ['an unknown format', { format: 'qif' }, /--format takes one of auto, combined/],
    ['columns that are not named', { format: 'csv' }, /needs --entity and --time/],
    ['another format', { format: 'jsonl', logFormat: '$msec' }, /jsonl cannot use --log-format/],
    ['a template without a time', { logFormat: '$request' }, /has no time/],
    [
      'a template with nothing between',
      { logFormat: '$msec $status$host' },
      /nothing between status and host/,
    ],
  ] as const satisfies readonly (readonly [string, FormatRequest, RegExp])[]) {
    test(`refused: ${trait}`, () => {
      const text = `::1 - - ${clf} "GET /a HTTP/1.1" 200 5\n`;
      assert.throws(
        () => outcomesOf(text, request),
        (error) => error instanceof FormatError && message.test(error.message),
      );
    });
  }

  test('refused: a header without the column; times without a date; an unknown format', () => {
    const refusal =
      (text: string, request: FormatRequest = {}) =>
      () =>
        outcomesOf(text, request);
    assert.throws(
      refusal('a,b\n1,2\n', { entity: 'path', time: 'b' }),
      /the header has no column path; it has: a, b/,
    );
    assert.throws(refusal('h [29:23:53:25] "GET / HTTP/1.0" 200 1\n'), /no month and no year/);
    assert.throws(refusal('what is this\n'), /not recognised/);
    assert.throws(
      refusal('2026/11/03 12:00:00 [error] 31#31: *46 open() "/x" failed, client: ::1, a, b\n'),
      /not recognised/,
    );
    // API Gateway's XML; its other forms are read.
    assert.throws(
      refusal(
        '<request id="c6"><requestTime>03/Nov/2026:12:00:00 +0000</requestTime><httpMethod>GET</httpMethod><resourcePath>/</resourcePath><status>200</status></request>\n',
      ),
      /not recognised/,
    );
    assert.throws(refusal('{"a":1}\n'), /no line has the fields entity and at/);
  });
});
