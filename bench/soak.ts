// Does memory stay flat? The local stack under a steady load for minutes: its resident memory, and what is alive on its threads' heaps.
import { availableParallelism, loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { Child } from './end-to-end/child.ts';
import { median, table } from './end-to-end/figures.ts';
import type { GeneratorCalls } from './end-to-end/generator.ts';
import { Bench, progress } from './end-to-end/measure.ts';
import { startSystem } from './end-to-end/systems.ts';
import { MODES } from './end-to-end/workload.ts';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    rate: { type: 'string', default: '500' },
    'sample-seconds': { type: 'string', default: '15' },
    'growth-max': { type: 'string', default: '10' },
  },
});
const [minutes, rate, sampleSeconds, growthMaxPercent] = [
  values.minutes,
  values.rate,
  values['sample-seconds'],
  values['growth-max'],
].map(Number) as [number, number, number, number];

/** Ids are remembered for so long, so that the windows are full early in the soak and not at its end. */
const DEDUP_WINDOW_SECONDS = 60;
/** Nothing is judged before: threads start, code is compiled, windows fill. A share of the samples. */
const WARM_UP = 0.25;
const ENTITIES = 1_000;

interface Sample {
  readonly atMinutes: number;
  /** Bytes, by what they are of. */
  readonly bytes: ReadonlyMap<string, number>;
}

const RSS = 'resident memory of the process';
const HELD = 'of it held by V8';
const ALL_HEAPS = 'all heaps';

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));
const [loadAtStart = Number.NaN] = loadavg();
const generator = new Child<GeneratorCalls>(new URL('./end-to-end/generator.ts', import.meta.url));
const system = await startSystem('tally', {
  keepsData: true,
  settings: { dedupWindowSeconds: DEDUP_WINDOW_SECONDS },
});
try {
  const bench = new Bench(generator);
  const samples: Sample[] = [];
  const startMs = performance.now();
  const atMinutes = () => (performance.now() - startMs) / 60_000;
  while (atMinutes() < minutes || samples.length < 4) {
    await bench.run(system, {
      mode: MODES.hundred,
      connections: 16,
      eventsPerSecond: rate,
      workload: {
        events: Math.round(rate * sampleSeconds),
        entities: ENTITIES,
        metric: 'soak',
        probeEvery: 0,
      },
    });
    system.goOn();
    const heaps = await system.threads('heap');
    const held = sum(await system.threads('held'));
    const threads = await system.threads('count');
    const { rssBytes } = await system.usage();
    const all = sum(heaps);
    const each = [...heaps].map(([name, bytes]) => [name, bytes / (threads.get(name) ?? 1)] as const);
    samples.push({
      atMinutes: atMinutes(),
      bytes: new Map([[RSS, rssBytes], [HELD, held], [ALL_HEAPS, all], ...each]),
    });
    progress(
      `resident ${megabytes(rssBytes)} MB, V8 holds ${megabytes(held)} MB, heaps of ${sum(threads)} threads ${megabytes(all)} MB`,
    );
  }
  const checked = await bench.check(system);
  const judged = samples.slice(Math.floor(samples.length * WARM_UP));
  const names = [...new Set(samples.flatMap(({ bytes }) => [...bytes.keys()]))];

  console.log(`Method: the local stack of \`npm start\` in a process of its own, with its data in files (\`--data\`): emulators in memory grow with what they keep. ${minutes} minutes of
${rate} events/s, ${MODES.hundred.name}, ${ENTITIES} entities by Zipf's law. About every ${sampleSeconds} s, when all is counted, the process's resident memory is taken (without mapped files, where the system tells), and of each thread
what is alive after a garbage collection (heap and what hangs on it; a thread's share, where there are several of a kind). Ids are remembered for ${DEDUP_WINDOW_SECONDS} s (dedupWindowSeconds), so that windows fill and empty ${Math.floor((minutes * 60) / DEDUP_WINDOW_SECONDS)} times. The first
quarter of the ${samples.length} samples is not judged; of the rest, the median of the last third against that of the first, and the slope of a regression line.
Node ${process.version}, ${availableParallelism()} cores with a load of ${loadAtStart.toFixed(1)} before this, ${new Date().toISOString().slice(0, 10)}.

${table(
  ['MB', 'at the start', 'first third', 'last third', 'growth', 'MB a minute'],
  names.map((name) => row(name)),
)}

Counts: ${checked}.
`);
  for (const name of [RSS, ALL_HEAPS]) {
    const grownPercent = growthPercent(thirds(name));
    if (grownPercent > growthMaxPercent)
      throw new Error(`${name} grew by ${grownPercent.toFixed(1)} %: more than ${growthMaxPercent} %`);
  }
  console.log(`Flat: neither ${RSS} nor ${ALL_HEAPS} grew by more than ${growthMaxPercent} %.`);

  function row(name: string): string[] {
    const [first, last] = thirds(name);
    const start = samples[0]?.bytes.get(name) ?? 0;
    const grown = `${growthPercent([first, last]).toFixed(1)} %`;
    return [name, megabytes(start), megabytes(first), megabytes(last), grown, slope(name).toFixed(2)];
  }

  /** Medians of the first and the last third of what is judged. */
  function thirds(name: string): [number, number] {
    const all = judged.map(({ bytes }) => bytes.get(name) ?? 0);
    const third = Math.max(1, Math.floor(all.length / 3));
    return [median(all.slice(0, third)), median(all.slice(-third))];
  }

  /** Of a straight line by least squares, megabytes a minute. */
  function slope(name: string): number {
    const points = judged.map(({ atMinutes: x, bytes }) => [x, (bytes.get(name) ?? 0) / 1e6] as const);
    const mean = (at: 0 | 1) => points.reduce((sum, point) => sum + point[at], 0) / points.length;
    const [meanX, meanY] = [mean(0), mean(1)];
    const covariance = points.reduce((sum, [x, y]) => sum + (x - meanX) * (y - meanY), 0);
    return covariance / points.reduce((sum, [x]) => sum + (x - meanX) ** 2, 0);
  }
} finally {
  await system.stop();
  await generator.kill();
}

function sum(values: ReadonlyMap<string, number>): number {
  return [...values.values()].reduce((total, value) => total + value, 0);
}

function growthPercent([first, last]: readonly [number, number]): number {
  return (last / first - 1) * 100;
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(1);
}
