// The deployed bundles: how much a cold start reads, what they contain, and that they are reproducible.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { glob } from 'node:fs/promises';
import { isBuiltin } from 'node:module';
import { join } from 'node:path';
import { test } from 'node:test';
import { type Bundle, bundle } from '../../lib/bundle.ts';

const ROOT = join(import.meta.dirname, '../..');

/** Bytes, minified, that a cold start reads at most (decision 16). Sizes are a function of the sources and the lock file. */
const LIMITS: Readonly<Record<string, number>> = {
  aggregator: 350_000,
  writer: 350_000,
  redriver: 350_000,
  // Calendars of time zones are 55,000 of it.
  query: 356_000,
  accountant: 350_000,
  canary: 350_000,
  compactor: 350_000,
  // Each object it reads takes all four services: S3, DynamoDB, Kinesis and SQS.
  collector: 550_000,
  // It answers from a file in its bundle, without the SDK.
  console: 10_000,
};

/** Clients that a function has, but loads only when it needs them. */
const ON_DEMAND: Readonly<Record<string, readonly string[]>> = {
  aggregator: ['client-s3', 'client-kinesis'],
  writer: ['client-s3', 'client-ssm'],
  redriver: ['client-s3', 'client-ssm'],
};

const bundles = new Map<string, Bundle>();
for await (const entry of glob('lambdas/*/handler.ts', { cwd: ROOT })) {
  bundles.set(entry.split('/')[1] ?? '', bundle(entry));
}

const modules = ({ files }: Bundle) => files.filter(({ name }) => name.endsWith('.mjs'));
/** The sources of a bundle's files, as paths. */
const sources = ({ outputs }: Bundle, names: readonly string[]) =>
  names.flatMap((name) => Object.keys(outputs[`bundle/${name}`]?.inputs ?? {}));
const sourcesOf = (made: Bundle, atStart: boolean) =>
  sources(
    made,
    modules(made)
      .filter((file) => file.atStart === atStart)
      .map(({ name }) => name),
  );

test('no function reads more in a cold start than its limit', () => {
  assert.deepEqual([...bundles.keys()].toSorted(), Object.keys(LIMITS).toSorted());
  for (const [noun, made] of bundles) {
    const bytes = modules(made)
      .filter(({ atStart }) => atStart)
      .reduce((sum, { contents }) => sum + contents.length, 0);
    assert.ok(bytes <= (LIMITS[noun] ?? 0), `the ${noun} reads ${bytes} bytes, more than ${LIMITS[noun]}`);
    assert.ok(
      bytes > (noun === 'console' ? 1_000 : 150_000),
      `the ${noun} reads ${bytes} bytes: that cannot be all`,
    );
  }
});

test('clients for rare cases are in files of their own', () => {
  for (const [noun, made] of bundles) {
    for (const client of ON_DEMAND[noun] ?? []) {
      const has = (atStart: boolean) =>
        sourcesOf(made, atStart).some((path) => path.includes(`/@aws-sdk/${client}/`));
      assert.deepEqual([has(true), has(false)], [false, true], `${noun}: ${client} at start, on demand`);
    }
  }
});

test('the environment is the only provider of credentials, and the only one needed', () => {
  for (const [noun, made] of bundles) {
    const all = [...sourcesOf(made, true), ...sourcesOf(made, false)];
    const providers = all.flatMap((path) => /credential-provider-\w+/.exec(path)?.[0] ?? []);
    // The console calls no service.
    if (noun === 'console') {
      assert.deepEqual(providers, []);
      continue;
    }
    assert.deepEqual([...new Set(providers)], ['credential-provider-env'], noun);
    assert.ok(all.includes('lambdas/aws/credentials.ts'), noun);
  }
});

test('a bundle imports nothing that is not in it, except Node', () => {
  for (const [noun, { outputs }] of bundles) {
    for (const { imports } of Object.values(outputs)) {
      for (const { path, external } of imports)
        assert.ok(external === true ? isBuiltin(path) : path in outputs, `${noun} imports ${path}`);
    }
  }
});

test('every module has its source map beside it, without the sources', () => {
  for (const [noun, made] of bundles) {
    for (const { name, contents } of modules(made)) {
      assert.match(
        Buffer.from(contents).toString(),
        new RegExp(`//# sourceMappingURL=${name}\\.map\\s*$`),
        noun,
      );
      const map = made.files.find((file) => file.name === `${name}.map`);
      assert.ok(map !== undefined, `${noun} has no ${name}.map`);
      const { sourcesContent } = JSON.parse(Buffer.from(map.contents).toString());
      assert.equal(sourcesContent, undefined);
    }
  }
});

test('the same sources give the same bytes', () => {
  assert.deepEqual(bundle('lambdas/writer/handler.ts').files, bundles.get('writer')?.files);
});

test('our errors set their own names, since minifying removes the names of classes', async () => {
  let errors = 0;
  for await (const file of glob('lambdas/**/*.ts', { cwd: ROOT })) {
    const source = readFileSync(join(ROOT, file), 'utf8');
    for (const [, name = ''] of source.matchAll(/class (\w+) extends \w*Error\b/g)) {
      errors += 1;
      assert.match(source, new RegExp(`class ${name} .*\\{\\s+override readonly name = '${name}'`), file);
    }
  }
  assert.ok(errors > 15, `${errors} errors`);
});
