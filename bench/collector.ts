// `tally bench collector`: an object larger than memory through the collector's use case, in as many runs as it takes.
import { parseArgs } from 'node:util';
import { type CollectorSettings, collect } from '../lambdas/collector/collect.ts';
import type { BatchRecord, CollectorPorts, LogObject, Progress } from '../lambdas/collector/ports.ts';

const { values } = parseArgs({
  options: {
    gigabytes: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '15' },
    'die-every': { type: 'string', default: '4' },
  },
});
const CHUNK_BYTES = 64 * 1024;

/** A line of an Application Load Balancer, 440 bytes. */
function albLine(i: number): string {
  const second = String(i % 60).padStart(2, '0');
  return `https 2026-11-03T12:00:${second}.186641Z app/my-loadbalancer/50dc6c495c0c9188 192.168.131.39:2817 10.0.0.1:80 0.086 0.048 0.037 200 200 ${1000 + (i % 9000)} 57 "GET https://www.example.com:443/pages/${i % 2000}?id=${i} HTTP/1.1" "Mozilla/5.0 (X11; Linux x86_64)" ECDHE-RSA-AES128-GCM-SHA256 TLSv1.2 arn:aws:elasticloadbalancing:us-east-2:123456789012:targetgroup/my-targets/73e2d6bc24d8a067 "Root=1-58337281-1d84f3d73c47ec4e58577259" "www.example.com" "-" 1 2026-11-03T12:00:${second}.364000Z "authenticate,forward" "-" "-"\n`;
}

/** A block of lines that the object repeats: its bytes are generated as they are read. */
const lines = Array.from({ length: 4096 }, (_, i) => albLine(i));
const block = Buffer.from(lines.join(''));
const blocks = Math.ceil((Number(values.gigabytes) * 2 ** 30) / block.length);
const object: LogObject = { bucket: 'logs', key: 'alb/large.log', etag: 'e', bytes: blocks * block.length };

async function* bytesFrom(offset: number, bytesMax = Number.POSITIVE_INFINITY): AsyncGenerator<Buffer> {
  const end = Math.min(object.bytes, offset + bytesMax);
  for (let at = offset; at < end; ) {
    const from = at % block.length;
    const chunk = block.subarray(from, Math.min(from + CHUNK_BYTES, block.length, from + end - at));
    yield chunk;
    at += chunk.length;
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

const startedAt = Date.now();
let [runs, deaths] = [0, 0];
for (let outcome = 'more'; outcome !== 'done'; ) {
  runs += 1;
  const until = Date.now() + Number(values.seconds) * 1000;
  putsLeft = runs % Number(values['die-every']) === 0 ? 5 : Number.POSITIVE_INFINITY;
  outcome = await collect(object, { ...ports, run: `run ${runs}` }, settings, () => Date.now() < until).then(
    (collected) => collected.outcome,
    () => 'died',
  );
  deaths += Number(outcome === 'died');
  const resident = Math.round(process.memoryUsage().rss / 2 ** 20);
  console.log(`run ${runs}: ${outcome} at byte ${noted?.cursor.offset}, ${resident} MB resident`);
}
const events = [...batches.values()].reduce((sum, n) => sum + n, 0);
const seconds = (Date.now() - startedAt) / 1000;
const expected = blocks * lines.length;
console.log(
  `${(object.bytes / 2 ** 30).toFixed(2)} GB, ${expected} lines, ${runs} runs of ${values.seconds} s, of which ${deaths} died; ` +
    `${events} events in ${batches.size} batches, ${again} of them put again; ` +
    `${Math.round(expected / seconds)} lines/s, at most ${Math.round(process.resourceUsage().maxRSS / 1024)} MB resident`,
);
if (events !== expected) throw new Error(`${events} events, not ${expected}`);
