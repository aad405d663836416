// `tally bench formats`: how fast lines are parsed, and with how much memory, compared with GoAccess on the same file.
import { execFile, spawnSync } from 'node:child_process';
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs, promisify } from 'node:util';
import { median, table } from './end-to-end/figures.ts';
import { follow } from './follow.ts';

const { values } = parseArgs({
  options: {
    file: { type: 'string' },
    lines: { type: 'string', default: '1000000' },
    rounds: { type: 'string', default: '5' },
  },
});
const TALLY = join(import.meta.dirname, '..', 'bin', 'tally.ts');
const run = promisify(execFile);

/** Seconds, and peak resident memory, of one process: GNU time reports the kernel's figures. */
async function measured(command: string, args: readonly string[]) {
  const { stderr } = await run('/usr/bin/time', ['-f', 'measured %e %M', command, ...args], {
    maxBuffer: 2 ** 26,
  });
  const [, seconds = '', kilobytes = ''] = /measured ([\d.]+) (\d+)/.exec(stderr) ?? [];
  return { seconds: Number(seconds), megabytes: Number(kilobytes) / 1024 };
}

/** A combined log: 2,000 pages, 10,000 clients, a line every 20 ms. */
function syntheticLine(i: number): string {
  const at = new Date(Date.UTC(2026, 10, 3) + i * 20).toISOString();
  const page = Math.floor(2_000 * ((i * 0.618_034) % 1) ** 3);
  const client = `10.${i % 10}.${i % 97}.${i % 253}`;
  const status = i % 11 === 0 ? 304 : 200;
  return `${client} - - [03/Nov/2026:${at.slice(11, 19)} +0000] "GET /pages/${page}?id=${i} HTTP/1.1" ${status} ${1000 + (i % 9000)} "https://example.com/" "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36"\n`;
}

const folder = await mkdtemp(join(tmpdir(), 'tally-bench-'));
try {
  const file = values.file ?? join(folder, 'access.log');
  const lines = Number(values.lines);
  if (values.file === undefined) {
    await writeFile(
      file,
      Array.from({ length: lines }, (_, i) => syntheticLine(i)),
    );
  }
  const megabytes = (await stat(file)).size / 2 ** 20;
  const contestants: Record<string, readonly [command: string, ...args: string[]]> = {
    'tally import --dry-run': [process.execPath, TALLY, 'import', file, '--dry-run', '--json'],
    'tally import --dry-run --log-format': [
      ...([process.execPath, TALLY, 'import', file, '--dry-run', '--json', '--log-format'] as const),
      '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent"',
    ],
  };
  const report = join(folder, 'report.json');
  if (spawnSync('goaccess', ['--version']).status === 0)
    contestants['goaccess'] = ['goaccess', file, '--log-format=COMBINED', '--no-progress', '-o', report];
  else console.log('GoAccess is not installed here: apt-get install goaccess.');
  const results = new Map<string, Awaited<ReturnType<typeof measured>>[]>(
    Object.keys(contestants).map((name) => [name, []]),
  );
  // Interleaved, so that other load on the machine affects all alike.
  for (let round = 0; round < Number(values.rounds); round += 1)
    for (const [name, [command, ...args]] of Object.entries(contestants))
      results.get(name)?.push(await measured(command, args));
  const { stdout } = await run(process.execPath, [TALLY, 'import', file, '--dry-run', '--json']);
  const { lines: read, unsent: events } = JSON.parse(stdout) as { lines: number; unsent: number };
  const beside = median(results.get('goaccess')?.map(({ seconds }) => seconds) ?? []);
  console.log(`${read} lines, ${megabytes.toFixed(0)} MB, medians of ${values.rounds} rounds`);
  const rows = [...results].map(([name, all]) => {
    const seconds = median(all.map((one) => one.seconds));
    const resident = median(all.map((one) => one.megabytes)).toFixed(0);
    return [
      name,
      seconds.toFixed(2),
      `${Math.round(read / seconds)}`,
      resident,
      (beside / seconds).toFixed(2),
    ];
  });
  console.log(table(['', 'seconds', 'lines/s', 'MB resident', 'GoAccess’s time over it'], rows));
  const there = await follow(file, events, folder, 'there');
  const away = await follow(file, events, folder, 'away');
  console.log(
    `tally follow: ${Math.round(read / there.seconds)} lines a second of processor time, ${there.megabytes.toFixed(0)} MB resident; ` +
      `${away.megabytes.toFixed(0)} MB while Tally is away`,
  );
} finally {
  await rm(folder, { recursive: true });
}
