// Lines that syslog, a container runtime or Docker has wrapped.
import { clf, g, table } from './support/table.ts';

const log = `::1 - - ${clf} \\"GET /w HTTP/1.1\\" 200 5`;
table('wrapped lines', [
  ['syslog, RFC 3164', `<190>Nov  3 12:00:00 web1 nginx: ::1 - - ${clf} "GET /w HTTP/1.1" 200 5`, '/w'],
  [
    'syslog around JSON',
    'Nov  3 12:00:00 web1 caddy[12]: {"ts":1793707200,"request":{"method":"GET","uri":"/j"},"status":200}',
    '/j',
  ],
  [
    'syslog, RFC 5424',
    '<134>1 2026-11-03T12:00:00.003Z web1 app 12 - [x@1 a="b"] {"g":"a","t":1793707200}',
    'a',
    g,
  ],
  ['CRI', `2026-11-03T12:00:00.669794202Z stdout F ::1 - - ${clf} "GET /w HTTP/1.1" 200 5`, '/w'],
  [
    'CRI: a line in two',
    '2026-11-03T12:00:00.6Z stdout P {"g":"a",\n2026-11-03T12:00:00.7Z stdout F "t":1793707200}',
    'a',
    g,
  ],
  [
    'Docker: a line in two',
    [`::1 - - ${clf} "GET /d HTTP/1.1" 200 5 "-" "${'é'.repeat(8200)}`, `" "GET /no HTTP/1.1"\n`]
      .map((part) => JSON.stringify({ log: part, stream: 'stdout', time: '2026-11-03T12:00:01Z' }))
      .join('\n'),
    '/d',
  ],
  ['Docker’s JSON', `{"log":"${log}\\n","stream":"stdout","time":"2026-11-03T12:00:01Z"}`, '/w'],
  [
    'a blank line between',
    `<190>Nov  3 12:00:00 web1 nginx: ::1 - - ${clf} "GET /w HTTP/1.1" 200 5\n\n`,
    ['/w', 'ignored'],
  ],
  ['another line', `x\n`, 'malformed: it is not wrapped as cri does', { unwrap: 'cri', format: 'combined' }],
]);
