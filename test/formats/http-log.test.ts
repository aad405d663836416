// Lines around a time, a request and a status: of web servers, proxies and load balancers.
import { any, clf, logged, table } from './support/table.ts';

table('http logs: [time] "request" status, and what is around them is free', [
  ['common', logged('GET /a?x=1?y HTTP/1.1'), '/a'],
  ['combined', `::1 - bob ${clf} "GET /a%20b/ HTTP/1.1" 200 5 "http://r/?a" "agent"`, '/a%20b/'],
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
  ['a virtual host first', `www.x.org:443 ::1 - - ${clf} "GET /v HTTP/1.1" 200 5 "-" "a"`, '/v'],
  [
    'a list of forwarded addresses first',
    `203.0.113.7, 198.51.100.2 - - ${clf} "GET /f HTTP/1.1" 200 5`,
    '/f',
  ],
  ['a blank in the remote user', `::1 - John Q. Public ${clf} "GET /u HTTP/1.1" 200 5`, '/u'],
  ['double blanks', `::1  -  -  ${clf}  "GET  /d  HTTP/1.1"  200  5`, '/d'],
  [
    'request time and upstream after the bytes',
    `::1 - - ${clf} "GET /t HTTP/1.1" 200 5 0.003 10.0.0.1:80`,
    '/t',
  ],
  [
    'vhost_combined with fields after it, which look like a request and a status',
    `www.x.org:443 ::1 - - ${clf} "GET /v HTTP/1.1" 200 5123 "-" "UA" 404 "TLSv1.3" - "GET /no HTTP/1.1" 200`,
    '/v',
  ],
  ['a quoted host before the request', `::1 ${clf} "x.org" - "GET /h HTTP/1.1" 200 5`, '/h'],
  [
    'a quote that is not escaped, and a number after the agent',
    `::1 - - ${clf} "GET /a"b HTTP/1.1" 200 5 "-" "c" 404`,
    'malformed: it has no [time] "request" status, as access logs have',
    { format: 'combined' },
  ],
  ['nothing after the status', `::1 - - ${clf} "GET /n HTTP/1.1" 200`, '/n'],
  ['a referrer that is cut off', `::1 - - ${clf} "GET /c HTTP/1.1" 200 5 "cut o`, '/c'],
  ['Apache’s \\" in the target', `::1 - - ${clf} "GET /q\\"q HTTP/1.1" 200 5`, '/q\\"q'],
  [
    'nginx’s \\x22 in target, referrer and agent',
    `::1 - - ${clf} "GET /q\\x22q HTTP/1.1" 200 5 "r\\x22" "a\\x22 404 b"`,
    '/q\\x22q',
  ],
  ['Apache’s \\" in referrer and agent', `::1 - - ${clf} "GET /q HTTP/1.1" 200 5 "a\\"b" "c\\" 404"`, '/q'],
  ['a blank in the target', logged('GET /a b/c HTTP/1.1'), '/a b/c'],
  ['methods with a dash', logged('M-SEARCH * HTTP/1.1'), '*', { where: ['method=M-SEARCH'] }],
  ['VERSION-CONTROL', logged('VERSION-CONTROL /w HTTP/1.1'), '/w', any],
  ['HTTP/2.0', logged('GET /h2 HTTP/2.0'), '/h2'],
  ['HTTP/3', logged('GET /h3 HTTP/3'), '/h3'],
  ['no version', logged('GET /h09'), '/h09'],
  ['absolute form', logged('GET http://x.org/a?b HTTP/1.1'), 'http://x.org/a'],
  ['authority form', logged('CONNECT x.org:443 HTTP/1.1'), 'x.org:443', any],
  ['wrapped in quotes', `"::1 - - ${clf} "GET /w HTTP/1.1" 200 5 "-" "a""`, '/w'],
  ['status 304', `::1 - - ${clf} "GET / HTTP/1.1" 304 -`, 'skipped'],
  ['POST', logged('POST / HTTP/1.1'), 'skipped'],
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
    '/m',
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
    '/',
  ],
  [
    'bytes that are not UTF-8 in the entity',
    Buffer.from(logged('GET /\xff HTTP/1.1'), 'latin1'),
    'malformed: the entity is not UTF-8, the only encoding that the service accepts',
  ],
  ['zero bytes before the first line', `${'\0'.repeat(5000)}::1 - - ${clf} "GET /z HTTP/1.1" 200 5`, '/z'],
  ['a byte order mark', `\ufeff::1 - - ${clf} "GET /bom HTTP/1.1" 200 5`, '/bom'],
  [
    'lines that end in CR alone',
    `${logged('GET /1 HTTP/1.1')}\r${logged('GET /2 HTTP/1.1')}\r`,
    ['/1', '/2'],
  ],
  [
    'lines that end in CR alone, but for the last',
    `::1 - - ${clf} "GET /1 HTTP/1.1" 200 5\r::1 - - ${clf} "GET /2 HTTP/1.1" 200 5\r\n`,
    ['/1', '/2'],
  ],
  [
    'Gerrit',
    `203.0.113.1 [HTTP-67] - admin [2026-11-03T12:00:00.123Z] "GET /changes/ HTTP/1.1" 200 5 12 - - "git"`,
    '/changes/ 2026-11-03T12:00:00.123Z',
  ],
  [
    'ingress-nginx',
    `::1 - - ${clf} "GET /i HTTP/2.0" 200 5 "-" "curl" 34 0.004 [default-web-80] [] 10.0.0.1:80 5 0.004 200 0f0e`,
    '/i',
  ],
  [
    'ingress-nginx, old',
    `::1 - [::1] - - ${clf} "GET /i HTTP/1.1" 200 5 "-" "curl" 34 0.004 [web] 10.0.0.1:80 5 0.004 200`,
    '/i',
  ],
  [
    'API Gateway’s CLF',
    `203.0.113.1 - - ${clf} "GET /pets/{id} HTTP/1.1" 200 12 c6af9ac6-7b61-11e6`,
    '/pets/{id}',
  ],
  [
    'API Gateway’s CLF of an HTTP API: method and route',
    `203.0.113.1 - - ${clf} "GET GET /pets/{id} HTTP/1.1" 200 12 c6\n203.0.113.1 - - ${clf} "GET ANY /any HTTP/1.1" 200 12 c7`,
    ['/pets/{id}', '/any'],
  ],
  [
    'S3: an operation without a request',
    `79a5 bucket ${clf} - 79a5 3E5 S3.EXPIRE.OBJECT a.jpg "-" - - 113 - - - "-" "-" -`,
    'skipped',
  ],
  [
    'S3 server access log',
    `79a5 amzn-bucket ${clf} 192.0.2.3 79a5 3E57427F3EXAMPLE REST.GET.OBJECT photos/a.jpg "GET /amzn-bucket/photos/a.jpg?versionId=1 HTTP/1.1" 200 - 113 - 7 - "-" "S3Console/0.4" -`,
    '/amzn-bucket/photos/a.jpg',
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
    '/tr',
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
    '/x',
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
    logged('GET /en/Posts/42-Title HTTP/1.1'),
    'posts/42',
    { stripPrefix: '/en/', entityRegex: '^(Posts/\\d+)', lowercase: true },
  ],
  ['another entity', `203.0.113.7 - - ${clf} "GET / HTTP/1.1" 200 5`, '203.0.113.7', { entity: 'host' }],
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
    '/a b',
  ],
  [
    'ALB: a URL without a path',
    'http 2026-11-03T12:00:00Z app/a 1.2.3.4:5 - -1 -1 -1 200 - 1 2 "GET http://x.org:80?x HTTP/1.1" "a" - -',
    '/',
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
    'www.x.org',
  ],
]);
