// Lines of a server's own log format.
import { at, clf, got, table } from './support/table.ts';

const nginx = `log_format main '$remote_addr - $remote_user [$time_local] "$request" '\n  '$status $body_bytes_sent "$http_referer"';`;
table('templates', [
  ['nginx, as in its configuration', got('/n?x', ' "-"'), '/n', { logFormat: nginx }],
  [
    'nginx: any order',
    `1793707200.123 200 GET /m?a=b x.org`,
    '/m 2026-11-03T12:00:00.123Z',
    { logFormat: '$msec $status $request_method $request_uri $host' },
  ],
  [
    'nginx: a field to filter on',
    got('/n', ' "http://x/"'),
    '/n',
    { logFormat: nginx, where: ['http_referer=http*'] },
  ],
  [
    'Apache, as in its configuration',
    `x.org:443 ::1 - - ${clf} "GET /a\\"b HTTP/1.1" 200 5 "-" "agent"`,
    '/a\\"b',
    {
      logFormat:
        'LogFormat "%v:%p %h %l %u %t \\"%r\\" %>s %O \\"%{Referer}i\\" \\"%{User-Agent}i\\"" vhost_combined',
    },
  ],
  [
    'Apache: parts of a request',
    '2026-11-03T12:00:00+0000 GET /p 200 44',
    '/p',
    { logFormat: '%{%Y-%m-%dT%H:%M:%S%z}t %m %U %>s %D' },
  ],
  [
    'Apache: seconds of the epoch',
    '1793707200 200 "GET /s HTTP/1.1"',
    '/s',
    { logFormat: '%{sec}t %s "%r"' },
  ],
  [
    'nginx: path and arguments apart',
    `${clf} "/a?x=1" GET 200`,
    '/a',
    { logFormat: '[$time_local] "$uri$is_args$args" $request_method $status' },
  ],
  ['Apache: path and query apart', `${clf} GET /a?x=1 200`, '/a', { logFormat: '%t %m %U%q %>s' }],
  [
    'nginx: a whole URL',
    `${clf} GET http://x.org/a?x=1 200`,
    '/a',
    { logFormat: '[$time_local] $request_method $scheme://$host$request_uri $status' },
  ],
  [
    'nginx: JSON by a template',
    '{"time":"2026-11-03T12:00:00+00:00","uri":"/a","status":200,"m":"GET"}',
    '/a',
    {
      logFormat: `log_format j escape=json '{"time":"$time_iso8601","uri":"$uri","status":$status,"m":"$request_method"}';`,
    },
  ],
  [
    'nginx: several upstreams, and a user with blanks',
    `::1 - John Q. Public ${clf} "GET /a HTTP/1.1" 200 10.0.0.1:80, 10.0.0.2:80 : 10.0.0.3:80 0.1, 0.2 : 0.3 end`,
    '/a',
    {
      logFormat:
        '$remote_addr - $remote_user [$time_local] "$request" $status $upstream_addr $upstream_response_time $x',
      where: ['x=end', 'remote_user=John Q. Public'],
    },
  ],
  [
    'a time and a request without anything around them',
    '03/Nov/2026:12:00:00 +0000 GET /a HTTP/1.1 200',
    '/a',
    { logFormat: '$time_local $request $status' },
  ],
  [
    'Apache: a time of its own with blanks',
    '2026-11-03 12:00:00 +0000 GET /p 200',
    '/p',
    { logFormat: '%{%Y-%m-%d %H:%M:%S %z}t %m %U %>s' },
  ],
  ['another line', 'garbage', 'malformed: not a line of the --log-format', { logFormat: nginx }],
  [
    'no status: fields alone',
    `${at} play /song`,
    '/song',
    { logFormat: '$msec $action $song', entity: 'song', where: ['action=play'] },
  ],
]);
