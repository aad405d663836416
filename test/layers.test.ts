// The layer guard: reads every import of the project and checks it against the house's rules.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { glob } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { test } from 'node:test';

const ROOT = join(import.meta.dirname, '..');

/** A room's files, and what they may import: paths from the root, or packages. */
interface Rule {
  readonly room: string;
  readonly files: RegExp;
  readonly mayImport: readonly RegExp[];
}

const COUNTING = /^lambdas\/counting\//;
const PORTS = /^lambdas\/([a-z-]+-)?ports\.ts$/;
/** The API's schemas: plain data, for whoever serves, deploys or checks it. */
const API = /^api\//;
const USE_CASE =
  /^lambdas\/(aggregator|writer|redriver|query|accountant|auditor|canary|deletion|compactor|rebuild)\/(?!handler\.ts)/;

/** The first rule whose files match holds. */
const RULES: readonly Rule[] = [
  {
    room: 'counting (pure)',
    files: COUNTING,
    // Hashing, a check of bytes and the calendar: functions of their arguments.
    mayImport: [COUNTING, /^node:(crypto|buffer)$/, /^temporal-polyfill$/],
  },
  { room: 'the API as data', files: API, mayImport: [API] },
  { room: 'ports (types only)', files: PORTS, mayImport: [COUNTING] },
  { room: 'use cases', files: USE_CASE, mayImport: [COUNTING, PORTS, USE_CASE, /^p-limit$/] },
  {
    room: 'adapters',
    files: /^lambdas\/aws\//,
    mayImport: [
      COUNTING,
      PORTS,
      /^lambdas\/aws\//,
      /^node:crypto$/,
      /^@aws-sdk\//,
      /^@smithy\//,
      /^@aws-lambda-powertools\//,
      /^aws-lambda$/,
      /^p-limit$/,
      // Hashing for signatures, and compression: functions of their arguments.
      /^node:(crypto|zlib)$/,
    ],
  },
  {
    room: 'handlers',
    files: /^lambdas\/[a-z-]+\/handler\.ts$/,
    mayImport: [
      USE_CASE,
      COUNTING,
      API,
      /^lambdas\/aws\//,
      /^@middy\/core$/,
      /^@aws-lambda-powertools\//,
      /^aws-lambda$/,
    ],
  },
  {
    room: 'AWS in memory',
    files: /^fake-aws\//,
    mayImport: [/^fake-aws\//, /^@aws-sdk\/client-/, /^dynalite\//, /^node:/],
  },
  {
    room: 'simulation',
    files: /^simulation\//,
    // What producers do to group events is the client's to know.
    mayImport: [
      /^simulation\//,
      /^fake-aws\//,
      /^lambdas\/aws\//,
      COUNTING,
      PORTS,
      USE_CASE,
      /^client\/src\/packs\.ts$/,
      /^node:/,
      /^p-limit$/,
    ],
  },
  {
    room: 'local stack',
    files: /^local\//,
    mayImport: [
      /^local\//,
      /^node:/,
      /^@aws-sdk\//,
      /^(dynalite|kinesalite|fauxqs|velocityjs|jsonpath-plus|ajv)$/,
    ],
  },
  {
    room: 'hostile run',
    files: /^hostile\//,
    mayImport: [
      /^hostile\//,
      /^node:/,
      /^local\/stack\.ts$/,
      /^@aws-sdk\/client-(kinesis|sqs)$/,
      /^@smithy\/node-http-handler$/,
    ],
  },
  {
    room: 'drill',
    files: /^operations\/drill\//,
    mayImport: [/^operations\//, /^local\//, /^node:/],
  },
  {
    room: 'late drill',
    files: /^operations\/late-drill\.ts$/,
    // It divides a file and waits for its truth: by the importer's own readers.
    mayImport: [/^node:/, /^local\/(clock|stack)\.ts$/, /^importer\/(records|source|truth)\.ts$/],
  },
  {
    room: 'operations',
    files: /^operations\//,
    mayImport: [
      /^operations\//,
      /^node:/,
      // The same ports, use cases and adapters as the functions have: a command must not know better than they do.
      COUNTING,
      PORTS,
      USE_CASE,
      /^lambdas\/aws\//,
      /^@aws-sdk\/client-/,
      /^@smithy\/signature-v4$/,
      /^@aws-sdk\/credential-provider-node$/,
      /^cli-progress$/,
    ],
  },
  {
    room: 'plan',
    files: /^plan\//,
    // Arithmetic over what the pure core and the settings say; how many ids a container keeps is the aggregator's to know.
    mayImport: [
      /^plan\//,
      COUNTING,
      /^lib\/configuration(-rules)?\.ts$/,
      /^lambdas\/aggregator\/windows\.ts$/,
      /^node:util$/,
    ],
  },
  {
    room: 'importer',
    files: /^importer\//,
    // Packs as the client makes them: two ways of telling an id's bucket could differ.
    mayImport: [/^importer\//, /^client\/src\/packing\.ts$/, /^node:/, /^(cli-progress|csv-parse)(\/|$)/],
  },
  // Published on its own, and run by browsers: nothing of the project, nothing of Node.
  { room: 'client', files: /^client\/src\//, mayImport: [/^client\/src\//] },
  {
    room: 'stack',
    files: /^(lib|bin)\//,
    mayImport: [/^lib\//, API, /^node:/, /^aws-cdk-lib/, /^constructs$/, /^cdk-nag$/, /^esbuild$/],
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

/** The imports of a file that its room forbids. */
function forbidden(file: string, text: string): string[] {
  const rule = RULES.find(({ files }) => files.test(file));
  if (rule === undefined)
    return [`${file} belongs to no room: move it, or give it one in ${relative(ROOT, import.meta.filename)}`];
  return importsOf(file, text)
    .filter((name) => !rule.mayImport.some((allowed) => allowed.test(name)))
    .map((name) => `${file} (${rule.room}) may not import ${name}`);
}

test('every file imports only what its room may', async () => {
  const found: string[] = [];
  let files = 0;
  for await (const file of glob(
    '{lambdas,lib,bin,local,client,importer,operations,simulation,fake-aws,hostile,plan}/**/*.ts',
    {
      cwd: ROOT,
    },
  )) {
    if (file.endsWith('.d.ts')) continue;
    files += 1;
    found.push(...forbidden(file, readFileSync(join(ROOT, file), 'utf8')));
  }
  assert.ok(files > 50, `only ${files} files were read`);
  assert.deepEqual(found, []);
});

test('the guard sees an import that is not allowed, however it is written', () => {
  const bad = [
    ["import { X } from '../aws/clients/s3.ts';", 'lambdas/counting/event.ts'],
    ["import type { X } from '@aws-sdk/client-sqs';", 'lambdas/writer/write.ts'],
    ["export { x } from '../aws/archive.ts';", 'lambdas/aggregator/aggregate.ts'],
    ["import 'aws-cdk-lib';", 'lambdas/aws/clients/s3.ts'],
    ["const x = await import('node:fs');", 'lambdas/counting/rollup.ts'],
    ["import {\n  a,\n  b,\n} from '../lambdas/writer/handler.ts';", 'lib/writing.ts'],
    ["import { S3Client } from '@aws-sdk/client-s3';", 'simulation/world/fake.ts'],
    ["import { randomUUID } from 'node:crypto';", 'client/src/event.ts'],
    ["import type { Grain } from '../../lambdas/query/count-query.ts';", 'client/src/reads.ts'],
  ] as const;
  for (const [text, file] of bad) assert.equal(forbidden(file, text).length, 1, `${file}: ${text}`);
  assert.equal(forbidden('tools/x.ts', '').length, 1);
});

test('only shells touch the clock, randomness and the environment', async () => {
  const found: string[] = [];
  const outside =
    /\bprocess\.\w|\bDate\.now\(|new Date\(\)|\bMath\.random\b|\bsetTimeout\b|\bperformance\.|\brandomUUID\b/;
  const shells = [join('lambdas', 'aws', 'telemetry.ts'), join('client', 'src', 'surroundings.ts')];
  for await (const file of glob('{api,lambdas,client/src}/**/*.ts', { cwd: ROOT })) {
    const shell = file.endsWith('/handler.ts') || shells.includes(file);
    if (!shell && outside.test(readFileSync(join(ROOT, file), 'utf8'))) found.push(file);
  }
  assert.deepEqual(found, []);
});
