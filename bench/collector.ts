// `tally bench collector`: an object larger than memory through the collector's use case, in as many runs as it takes.
import { constants, crc32, deflateRawSync } from 'node:zlib';
import { type CollectorSettings, collect } from '../lambdas/collector/collect.ts';
import type { BatchRecord, CollectorPorts, LogObject, Progress } from '../lambdas/collector/ports.ts';
import { processorMs } from './end-to-end/figures.ts';

type Options = { gigabytes: number; seconds: number; dieEvery: number; gzip?: boolean };
const { gigabytes, seconds, dieEvery, gzip }: Options = JSON.parse(process.argv[2] ?? '{}');
const CHUNK_BYTES = 64 * 1024;

/** A line of an Application Load Balancer, 440 bytes. */
function albLine(i: number): string {
  const second = String(i % 60).padStart(2, '0');
  return `https 2026-11-03T12:00:${second}.186641Z app/my-loadbalancer/50dc6c495c0c9188 192.168.131.39:2817 10.0.0.1:80 0.086 0.048 0.037 200 200 ${1000 + (i % 9000)} 57 "GET https://www.example.com:443/pages/${i % 2000}?id=${i} HTTP/1.1" "Mozilla/5.0 (X11; Linux x86_64)" ECDHE-RSA-AES128-GCM-SHA256 TLSv1.2 arn:aws:elasticloadbalancing:us-east-2:123456789012:targetgroup/my-targets/73e2d6bc24d8a067 "Root=1-58337281-1d84f3d73c47ec4e58577259" "www.example.com" "-" 1 2026-11-03T12:00:${second}.364000Z "authenticate,forward" "-" "-"\n`;
}

/** A block of lines that the object repeats: its bytes are generated as they are read. */
const lines = Array.from({ length: 4096 }, (_, i) => albLine(i));
const block = Buffer.from(lines.join(''));
const blocks = Math.ceil((gigabytes * 2 ** 30) / block.length);
const plainBytes = blocks * block.length;

/** A part of the object, and how often it repeats. */
type Part = readonly [bytes: Buffer, times: number];

/** One gzip member: each block is flushed, so that it compresses to the same bytes wherever it stands. */
function gzipParts(): readonly Part[] {
  const flushed = deflateRawSync(block, { finishFlush: constants.Z_FULL_FLUSH });
  let crc = 0;
  for (let i = 0; i < blocks; i += 1) crc = crc32(block, crc);
  const trailer = Buffer.alloc(8);
  trailer.writeUInt32LE(crc, 0);
  trailer.writeUInt32LE(plainBytes % 2 ** 32, 4);
  const header = Buffer.from('1f8b0800000000000003', 'hex');
  const end = Buffer.from('0300', 'hex');
  return [
    [header, 1],
    [flushed, blocks],
    [Buffer.concat([end, trailer]), 1],
  ];
}

const parts: readonly Part[] = gzip ? gzipParts() : [[block, blocks]];
const bytes = parts.reduce((sum, [part, times]) => sum + part.length * times, 0);
const object: LogObject = { bucket: 'logs', key: 'alb/large.log', etag: 'e', bytes };

async function* bytesFrom(offset: number, bytesMax = Number.POSITIVE_INFINITY): AsyncGenerator<Buffer> {
  const end = Math.min(bytes, offset + bytesMax);
  let at = offset;
  let start = 0;
  for (const [part, times] of parts) {
    const stop = Math.min(end, start + part.length * times);
    while (at < stop) {
      const from = (at - start) % part.length;
      const chunk = part.subarray(from, Math.min(from + CHUNK_BYTES, part.length, from + stop - at));
      yield chunk;
      at += chunk.length;
    }
    start += part.length * times;
  }
}

let noted: Progress | undefined;
/** Events of the stream by batch: a batch that is put again counts once. */
const batches = new Map<string, number>();
let again = 0;
let putsLeft = Number.POSITIVE_INFINITY;

const ports: Omit<CollectorPorts, 'run'> = {
  objects: { open: async (_, offset, bytesMax) => bytesFrom(offset, bytesMax) },
  progress: {
    read: async () => noted,
    save: async (_, progress, last) => {
      if (noted?.run !== last.run && noted?.run !== progress.run) return false;
      noted = progress;
      return true;
    },
  },
  stream: {
    put: async (records: readonly BatchRecord[]) => {
      for (const { key, data } of records) {
        if (batches.has(key)) again += 1;
        batches.set(key, (JSON.parse(data) as [number, string, unknown[]])[2].length);
      }
      putsLeft -= 1;
      if (putsLeft === 0) throw new Error('killed');
      return [];
    },
  },
  report: async (_, reason) => console.log(`reported: ${reason}`),
  nowMs: Date.now,
  pause: async () => {},
};
const settings: CollectorSettings = {
  accessLogs: [
    { bucket: 'logs', prefix: 'alb/', format: 'alb', metric: 'view', filter: '', entity: '', logFormat: '' },
  ],
  dedupWindowMs: 3_600_000,
};

const startedAtMs = processorMs();
let [runs, deaths] = [0, 0];
for (let outcome = 'more'; outcome === 'more' || outcome === 'died'; ) {
  runs += 1;
  const untilMs = processorMs() + seconds * 1000;
  putsLeft = runs % dieEvery === 0 ? 5 : Number.POSITIVE_INFINITY;
  outcome = await collect(
    object,
    { ...ports, run: `run ${runs}` },
    settings,
    () => processorMs() < untilMs,
  ).then(
    (collected) => collected.outcome,
    () => 'died',
  );
  deaths += Number(outcome === 'died');
  const resident = Math.round(process.memoryUsage().rss / 2 ** 20);
  console.log(`run ${runs}: ${outcome} at byte ${noted?.cursor.offset}, ${resident} MB resident`);
}
const events = [...batches.values()].reduce((sum, n) => sum + n, 0);
const spentSeconds = (processorMs() - startedAtMs) / 1000;
const expected = blocks * lines.length;
console.log(
  `${(plainBytes / 2 ** 30).toFixed(2)} GB${gzip ? ` (gzip: ${(bytes / 2 ** 30).toFixed(2)} GB)` : ''}, ${expected} lines, ${runs} runs of ${seconds} s, of which ${deaths} died; ` +
    `${events} events in ${batches.size} batches, ${again} of them put again; ` +
    `${Math.round(expected / spentSeconds)} lines a second of processor time, at most ${Math.round(process.resourceUsage().maxRSS / 1024)} MB resident`,
);
if (events !== expected) throw new Error(`${events} events, not ${expected}`);
