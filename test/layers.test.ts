// The layer guard: reads every import of the project and checks it against the house's rules.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { glob } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { test } from 'node:test';

const ROOT = join(import.meta.dirname, '..');

/** A layer's files, and what they may import: paths from the root, or packages. */
interface Rule {
  readonly layer: string;
  readonly files: RegExp;
  readonly mayImport: readonly RegExp[];
  /** Whether files may import their own folder below lambdas/, and no other one. */
  readonly ownFolder?: true;
}

/** Pure: no SDK, no clock, no randomness, no environment. */
const CORE = /^lambdas\/core\//;
const PORTS = /^lambdas\/(.*[/-])?ports\.ts$/;
const ADAPTER = /^lambdas\/((aws|store|ledger)\/|.*\.aws\.ts$)/;
/** The API's schemas: plain data, for who serves, deploys or checks it. */
const API = /^api\//;
/** Readers of log formats: pure, for the command line and the collector. */
const FORMATS = /^formats\//;
const HANDLER = /^lambdas\/[a-z-]+\/handler\.ts$/;
/** Everything else in a folder of lambdas/. */
const USE_CASE =
  /^lambdas\/(?!aws\/|store\/|ledger\/|core\/)[a-z-]+\/(?!handler\.ts|.*ports\.ts|.*\.aws\.ts)/;
/** What several use cases do: read the status, keep a dedup window, end a segment that is lost, write one message, find blocks. */
const SHARED = new RegExp(
  `^lambdas/(${[
    'accountant/(read-status|shard-progress)',
    'aggregator/(windows|errors|segment-listener|finish-segment)',
    'writer/write',
    'store/(leaf-blocks|make-tops)',
  ].join('|')})\\.ts$`,
);
const CLIENT = /^client\/src\/index\.ts$/;
const NODE = /^node:/;
const SDK = /^@(aws-sdk|smithy)\//;
/** Proofs run use cases and adapters as they are deployed, on an AWS in memory. */
const PROVEN = [CORE, PORTS, USE_CASE, ADAPTER, /^fake-aws\//];

/** The first rule whose files match holds. */
const RULES: readonly Rule[] = [
  {
    layer: 'core (pure)',
    files: CORE,
    // Hashing, a check of bytes and compression: functions of their arguments.
    mayImport: [CORE, /^node:(crypto|buffer|zlib|util)$/],
  },
  { layer: 'the API as data', files: API, mayImport: [API] },
  {
    layer: 'formats (pure)',
    files: FORMATS,
    mayImport: [FORMATS, CORE, /^node:(buffer|crypto|zlib|stream)$/, /^csv-parse\/sync$/],
  },
  { layer: 'ports (types only)', files: PORTS, mayImport: [CORE, PORTS, FORMATS] },
  {
    layer: 'adapters',
    files: ADAPTER,
    mayImport: [
      CORE,
      PORTS,
      ADAPTER,
      SDK,
      /^@aws-lambda-powertools\//,
      /^(aws-lambda|@middy\/core|p-limit)$/,
      // Hashing for signatures, and compression: functions of their arguments.
      /^node:(crypto|zlib|util)$/,
    ],
  },
  {
    layer: 'handlers',
    files: HANDLER,
    mayImport: [
      CORE,
      PORTS,
      ADAPTER,
      USE_CASE,
      API,
      FORMATS,
      /^@middy\/core$/,
      /^@aws-lambda-powertools\//,
      /^aws-lambda$/,
      /^node:(fs|path)$/,
    ],
  },
  {
    layer: 'use cases',
    files: USE_CASE,
    ownFolder: true,
    mayImport: [
      CORE,
      PORTS,
      FORMATS,
      SHARED,
      /^(p-limit$|temporal-polyfill\/fns\/)/,
      /^node:(buffer|crypto)$/,
    ],
  },
  { layer: 'AWS in memory', files: /^fake-aws\//, mayImport: [/^fake-aws\//, SDK, /^dynalite\//, NODE] },
  {
    layer: 'simulation, exploration, mutations',
    files: /^proof\/(simulation|explore|mutants|oracle)(\/|\.ts$)/,
    mayImport: [/^proof\/(simulation|explore|mutants|oracle)\//, ...PROVEN, NODE, /^(p-limit|pure-rand)/],
  },
  {
    layer: 'hostile run',
    files: /^proof\/hostile\//,
    mayImport: [/^proof\/hostile\//, /^proof\/simulation\/random\.ts$/, /^local\//, CORE, NODE, /^p-limit$/],
  },
  {
    layer: 'drills',
    files: /^proof\//,
    // They play on the local stack, and read what the command line reads.
    mayImport: [/^proof\//, /^plan\//, ...PROVEN, /^local\//, /^(formats|cli)\//, NODE, /^pure-rand/],
  },
  {
    layer: 'local stack',
    files: /^local\//,
    mayImport: [/^local\//, NODE, SDK, /^(dynalite|kinesalite|fauxqs|velocityjs|ajv|p-limit)$/],
  },
  {
    layer: 'benchmarks',
    files: /^bench\//,
    // They measure what is deployed, beside other ways; the plan says what it costs.
    mayImport: [
      /^bench\//,
      ...PROVEN,
      HANDLER,
      API,
      CLIENT,
      /^client\/src\//,
      /^(lib|plan|local|cli|formats|proof)\//,
      NODE,
      SDK,
      /^@aws-lambda-powertools\//,
      /^@redis\/client$/,
      /^test\/browser\/support\/browser\.ts$/,
      /^(esbuild|aws-lambda|p-limit|zod|pure-rand)(\/|$)/,
    ],
  },
  {
    layer: 'plan',
    files: /^plan\//,
    // It measures a sample of the load with the deployed code, on an AWS in memory.
    mayImport: [
      /^plan\//,
      ...PROVEN,
      /^lib\/(configuration(-rules)?|settings|metrics|dedup-capacity)\.ts$/,
      SDK,
      /^pure-rand(\/|$)/,
      /^node:(zlib|crypto)$/,
    ],
  },
  {
    layer: 'command line',
    files: /^(cli|operations)\/|^bin\/tally\.ts$/,
    // Operators' commands have the same ports, use cases and adapters as the functions.
    mayImport: [
      /^(cli|operations)\//,
      ...PROVEN,
      FORMATS,
      CLIENT,
      /^lib\/configuration(-rules)?\.ts$/,
      /^(plan|proof)\//,
      /^local\/compile-cache\.ts$/,
      /^(package|cdk)\.json$/,
      NODE,
      SDK,
      /^(commander|cli-progress|p-queue|pure-rand)(\/|$)/,
    ],
  },
  // Published on its own, and run by browsers: nothing of the project, nothing of Node.
  { layer: 'client', files: /^client\/src\//, mayImport: [/^client\/src\//] },
  // The page is a client of the public API like any other.
  {
    layer: 'console',
    files: /^console\//,
    mayImport: [/^console\//, CLIENT, /^preact(\/hooks)?$/, /^uplot$/],
  },
  {
    layer: 'stack',
    files: /^(lib|bin)\//,
    // The setting accessLogs names formats, which synth checks.
    mayImport: [/^lib\//, API, FORMATS, NODE, /^aws-cdk-lib/, /^(constructs|cdk-nag|esbuild|zod)$/],
  },
];

const IMPORT =
  /(?:^|\n)\s*(?:import|export)\s[^'"]*?from\s*['"]([^'"]+)['"]|(?:^|\n)\s*import\s*['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]/g;

/** The modules that a file's text imports, relative ones as paths from the root. */
function importsOf(file: string, text: string): string[] {
  return [...text.matchAll(IMPORT)].map((match) => {
    const name = match[1] ?? match[2] ?? match[3] ?? '';
    return name.startsWith('.') ? relative(ROOT, join(ROOT, dirname(file), name)) : name;
  });
}

/** The imports of a file that its layer forbids. */
function forbidden(file: string, text: string): string[] {
  const rule = RULES.find(({ files }) => files.test(file));
  if (rule === undefined)
    return [
      `${file} belongs to no layer: move it, or give it one in ${relative(ROOT, import.meta.filename)}`,
    ];
  const own = `${dirname(file)}/`;
  return importsOf(file, text)
    .filter((name) => !rule.mayImport.some((allowed) => allowed.test(name)))
    .filter((name) => !(rule.ownFolder && name.startsWith(own)))
    .map((name) => `${file} (${rule.layer}) may not import ${name}`);
}

/** Top-level folders with TypeScript of the project in them. */
async function folders(): Promise<string[]> {
  const found = new Set<string>();
  for await (const file of glob('*/**/*.{ts,tsx}', {
    cwd: ROOT,
    exclude: (name) => IGNORED.test(String(name)),
  }))
    found.add(file.split(/[\\/]/)[0] ?? '');
  return [...found].sort();
}

const IGNORED = /(^|\/)(node_modules|cdk\.out|coverage|dist)$/;

test('every file imports only what its layer may', async () => {
  const found: string[] = [];
  let files = 0;
  for (const folder of await folders()) {
    if (folder === 'test') continue;
    for await (const file of glob(`${folder}/**/*.{ts,tsx}`, {
      cwd: ROOT,
      exclude: (name) => IGNORED.test(String(name)),
    })) {
      if (file.endsWith('.d.ts') || file.startsWith('client/') !== file.startsWith('client/src/')) continue;
      files += 1;
      found.push(...forbidden(file, readFileSync(join(ROOT, file), 'utf8')));
    }
  }
  assert.ok(files > 50, `only ${files} files were read`);
  assert.deepEqual(found, []);
});

test('every folder is type-checked', async () => {
  const { include } = JSON.parse(readFileSync(join(ROOT, 'tsconfig.json'), 'utf8')) as { include: string[] };
  // The page has a tsconfig of its own.
  assert.deepEqual(
    (await folders()).filter((folder) => !include.includes(folder) && folder !== 'console'),
    [],
  );
});

test('the guard finds a forbidden import in any form', () => {
  const bad = [
    ["import { X } from '../aws/clients/s3.ts';", 'lambdas/core/event.ts'],
    ["import type { X } from '@aws-sdk/client-sqs';", 'lambdas/writer/write.ts'],
    ["export { x } from '../aws/archive.ts';", 'lambdas/aggregator/aggregate.ts'],
    ["import 'aws-cdk-lib';", 'lambdas/aws/clients/s3.ts'],
    ["const x = await import('node:fs');", 'lambdas/core/rollup.ts'],
    ["import {\n  a,\n  b,\n} from '../lambdas/writer/handler.ts';", 'lib/writer.ts'],
    ["import { redrive } from '../redriver/redrive.ts';", 'lambdas/writer/write.ts'],
    ["import { dynamoDb } from '../aws/clients/dynamo-db.ts';", 'lambdas/aggregator/aggregate.ts'],
    ["import { startLocalStack } from '../local/stack.ts';", 'cli/parameter.ts'],
    ["import { createApp } from '../lib/counting-app.ts';", 'local/stack.ts'],
    ["import { SCENARIOS } from '../proof/drill/scenarios.ts';", 'proof/hostile/run.ts'],
    ["import { writeRollups } from '../lambdas/writer/write.ts';", 'fake-aws/sqs.ts'],
    ["import { METRICS } from '../lib/metrics.ts';", 'api/events.ts'],
    ["import { startFauxqs } from 'fauxqs';", 'bench/cost.ts'],
    ["import { parseCountQuery } from '../lambdas/query/count-query.ts';", 'console/app.tsx'],
    ["import { startLocalStack } from '../local/stack.ts';", 'plan/count.ts'],
    ["import { DynamoDBClient } from '@aws-sdk/client-dynamodb';", 'proof/simulation/world/fake.ts'],
    ["import { readFile } from 'node:fs/promises';", 'formats/lines.ts'],
    ["import type { Archive } from './aws/archive.ts';", 'lambdas/ports.ts'],
    ["import { startLocalStack } from '../../local/stack.ts';", 'lambdas/query/handler.ts'],
    ["import { addStack } from '../lib/counting-stack.ts';", 'proof/kill.ts'],
    ["import { readFile } from 'node:fs/promises';", 'formats/lines.ts'],
    ["import { randomUUID } from 'node:crypto';", 'client/src/event.ts'],
    ["import type { Grain } from '../../lambdas/counting/count-query.ts';", 'client/src/reads.ts'],
  ] as const;
  for (const [text, file] of bad) assert.equal(forbidden(file, text).length, 1, `${file}: ${text}`);
  assert.equal(forbidden('tools/x.ts', '').length, 1);
  const layers = new Set(bad.map(([, file]) => RULES.find(({ files }) => files.test(file))?.layer));
  const unbroken = RULES.map(({ layer }) => layer).filter((layer) => !layers.has(layer));
  assert.deepEqual(unbroken, [], 'each rule is broken once');
});

test('only shells touch the clock, randomness and the environment', async () => {
  const found: string[] = [];
  const outside =
    /\bprocess\.\w|\bDate\.now\(|new Date\(\)|\bMath\.random\b|\bsetTimeout\b|\bperformance\.|\brandomUUID\b/;
  const shells = [join('lambdas', 'aws', 'telemetry.ts'), join('client', 'src', 'platform.ts')];
  for await (const file of glob('{api,formats,lambdas,client/src}/**/*.ts', { cwd: ROOT })) {
    const shell = file.endsWith('/handler.ts') || shells.includes(file);
    if (!shell && outside.test(readFileSync(join(ROOT, file), 'utf8'))) found.push(file);
  }
  assert.deepEqual(found, []);
});
