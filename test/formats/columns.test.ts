// CSV, and columns between tabs or blanks.
import { at, csv, table } from './support/table.ts';

const closed = 'malformed: a quote in it is never closed, or its rest is missing';
table(
  'CSV and columns',
  [
    [
      'a stray quote gives up its own line only',
      `"/odd,${at}\n/a,${at}\n/b,${at}\n"/q",${at}\n/c,${at}`,
      [closed, '/a', '/b', '/q', '/c'],
    ],
    [
      'two stray quotes that close each other',
      `"/odd,${at}\n/a",${at}\n/b,${at}`,
      [closed, 'malformed: its quotes are not valid CSV', '/b'],
    ],
    ['a quoted field over two lines', `/a,${at},"one\ntwo"\n/b,${at},x`, ['/a', '/b']],
    ['a header by name', `path,when\n/a,${at}`, ['ignored', '/a'], { entity: 'path', time: 'when' }],
    [
      'a byte order mark before the header',
      `\ufeffpath,when\n/a,${at}`,
      ['ignored', '/a'],
      { entity: 'path', time: 'when' },
    ],
    ['quoted lines that end in CR alone', `"/a",${at}\r"/b",${at}\r`, ['/a', '/b']],
    ['filters by column', `/a,${at},404\n/b,${at},200`, ['skipped', '/b'], { where: ['3=200'] }],
    [
      'TSV with an empty field',
      `${at}\tweb\t\t/z\t200\n${at}\tweb\tx\t/y\t200`,
      ['/z', '/y'],
      { entity: '4', time: '1' },
    ],
    ['TSV by name', `when\tpath\n${at}\t/z`, ['ignored', '/z'], { entity: 'path', time: 'when' }],
    ['columns between blanks', `  a  ${at}\nb ${at}`, ['a', 'b']],
    ['columns: a byte order mark', `\ufeff/b ${at}`, '/b'],
    [
      'bytes that are not UTF-8 beside the entity',
      Buffer.from(`/a,${at},\xff\n/b\xff,${at},x`, 'latin1'),
      ['/a', 'malformed: the entity is not UTF-8, the only encoding that the service accepts'],
    ],
    [
      'names, delimiters and comments beyond ASCII',
      `größe§wann\n§ a\n/é§${at}`,
      ['ignored', 'ignored', '/é'],
      { entity: 'größe', time: 'wann', delimiter: '§', comment: '§', format: 'csv' },
    ],
    [
      'columns: names beyond ASCII',
      `größe wann\n/é ${at}`,
      ['ignored', '/é'],
      { entity: 'größe', time: 'wann' },
    ],
    [
      'a year before 100, which is not one of the last century',
      '/a,0099-11-03T12:00:00Z\n/a,0001-01-01T00:00:00Z',
      Array(2).fill('malformed: column 2 holds no time (unit auto)'),
    ],
    ['comments', `# a\n/b ${at}`, ['ignored', '/b'], { comment: '#' }],
    ['an empty entity with a name', `,${at}`, 'none', { emptyEntity: 'none' }],
    ['an empty entity without one', `,${at}`, 'rejected: the entity is empty'],
  ],
  csv,
);
