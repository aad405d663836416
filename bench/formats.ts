// `tally bench formats`: how fast lines are parsed, and with how much memory, compared with GoAccess on the same file.
import { type ChildProcess, execFile, spawn, spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { listen } from '../local/listening.ts';
import { median, table } from './end-to-end/figures.ts';

type Options = { file?: string; lines: number; rounds: number };
const { file: given, lines, rounds }: Options = JSON.parse(process.argv[2] ?? '{}');
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

/** The kernel counts processor time in hundredths of a second. */
const TICKS = 100;
/** How long Tally is down: much longer than filling the buffer takes. */
const AWAY_MS = 20_000;

/**
 * Follows a file into a front door that accepts everything, or that breaks every connection.
 * @param events number of events in the file
 * @returns processor seconds, megabytes, and how many events were delivered
 */
async function follow(file: string, events: number, folder: string, tally: 'there' | 'away') {
  let taken = 0;
  const finished = Promise.withResolvers<void>();
  const server = createServer(async (request, response) => {
    const posted = request.method === 'POST';
    const body = await text(request);
    if (posted && tally === 'away') return void request.socket.destroy();
    if (posted) taken += (JSON.parse(body) as { events: unknown[] }).events.length;
    response.writeHead(posted ? 202 : 200, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ accepted: 1, received: 0 }));
    if (taken >= events) finished.resolve();
  });
  const { endpoint, stop } = await listen(server);
  const args = ['follow', file, '--url', endpoint, '--state', join(folder, tally)];
  const child = spawn(process.execPath, [TALLY, ...args], { stdio: 'ignore' });
  try {
    await (tally === 'away' ? delay(AWAY_MS) : finished.promise);
    return { ...(await usageOf(child)), events: taken };
  } finally {
    child.kill('SIGKILL');
    await stop();
  }
}

async function usageOf({ pid }: ChildProcess) {
  const [stat, status] = await Promise.all([
    readFile(`/proc/${pid}/stat`, 'utf8'),
    readFile(`/proc/${pid}/status`, 'utf8'),
  ]);
  const [user, system] = stat.slice(stat.lastIndexOf(')')).split(' ').slice(12, 14).map(Number);
  return {
    seconds: ((user ?? 0) + (system ?? 0)) / TICKS,
    megabytes: Number(/VmHWM:\s+(\d+)/.exec(status)?.[1]) / 1024,
  };
}

const folder = await mkdtemp(join(tmpdir(), 'tally-bench-'));
try {
  const file = given ?? join(folder, 'access.log');
  if (given === undefined) {
    await writeFile(
      file,
      Array.from({ length: lines }, (_, i) => syntheticLine(i)),
    );
  }
  const megabytes = (await stat(file)).size / 2 ** 20;
  const dryRun = [TALLY, 'import', file, '--dry-run', '--json'];
  const contestants: Record<string, readonly [command: string, ...args: string[]]> = {
    'tally import --dry-run': [process.execPath, ...dryRun],
    'tally import --dry-run --log-format': [
      ...([process.execPath, ...dryRun, '--log-format'] as const),
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
  for (let round = 0; round < rounds; round += 1)
    for (const [name, [command, ...args]] of Object.entries(contestants))
      results.get(name)?.push(await measured(command, args));
  const { stdout } = await run(process.execPath, dryRun);
  const { lines: read, unsent: events } = JSON.parse(stdout) as { lines: number; unsent: number };
  const beside = median(results.get('goaccess')?.map(({ seconds }) => seconds) ?? []);
  console.log(`${read} lines, ${megabytes.toFixed(0)} MB, medians of ${rounds} rounds`);
  const rows = [...results].map(([name, all]) => {
    const seconds = median(all.map((one) => one.seconds));
    const resident = median(all.map((one) => one.megabytes)).toFixed(0);
    const rate = String(Math.round(read / seconds));
    return [name, seconds.toFixed(2), rate, resident, (beside / seconds).toFixed(2)];
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
