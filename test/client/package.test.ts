// The published package: plain JavaScript and types that run alone in a folder, and its README's examples.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { startNode } from '../local/support/processes.ts';
import { temporaryFolder } from '../support/folder.ts';
import { startTestStack } from '../support/local-stack.ts';
import { patient } from '../support/patience.ts';

const ROOT = join(import.meta.dirname, '..', '..');

interface Manifest {
  readonly name: string;
  readonly dependencies?: unknown;
  readonly license: string;
  readonly exports: {
    readonly '.': Record<'import' | 'require', { readonly types: string; readonly default: string }>;
  };
}
const manifestOf = (path: string) => JSON.parse(readFileSync(path, 'utf8')) as Manifest;

// A checkout with the package in it, and beside it an app that installs it from there.
const folder = temporaryFolder();
const tsc = join(ROOT, 'node_modules', '.bin', 'tsc');
const source = join(folder, 'checkout', 'client');
const app = join(folder, 'app');
const installed = join(app, 'node_modules', 'tally-client');
const npm = (cwd: string, ...args: string[]) =>
  execFileSync('npm', [...args, '--offline', '--cache', join(folder, 'cache')], {
    cwd,
    encoding: 'utf8',
    stdio: 'pipe',
  });
const packed = install();

/** Installs the package with one line, which builds it. Returns the names of the files that npm would pack. */
function install(): string[] {
  mkdirSync(source, { recursive: true });
  mkdirSync(app);
  const isSource = (path: string) => !/[/\\](dist|node_modules)$/.test(path);
  cpSync(join(ROOT, 'client'), source, { recursive: true, filter: isSource });
  cpSync(join(ROOT, 'tsconfig.json'), join(folder, 'checkout', 'tsconfig.json'));
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'checkout', 'node_modules'));
  writeFileSync(join(app, 'package.json'), '{"name":"app","version":"1.0.0"}');
  npm(app, 'install', '../checkout/client', '--no-audit', '--no-fund');
  const answer = JSON.parse(npm(source, 'pack', '--dry-run', '--json', '--ignore-scripts')) as
    | { files: { path: string }[] }[]
    | Record<string, { files: { path: string }[] }>;
  const [{ files } = { files: [] }] = Object.values(answer);
  return files.map(({ path }) => path).sort();
}

test('it holds JavaScript, types, its README and its manifest, and nothing else', () => {
  for (const name of packed)
    assert.match(
      name,
      /^(package\.json|README\.md|dist\/(esm|cjs)\/[a-z-]+(\.js|\.d\.ts)|dist\/cjs\/package\.json)$/,
    );
  for (const name of ['README.md', 'package.json']) assert.ok(packed.includes(name), name);
  const { dependencies, exports, license } = manifestOf(join(installed, 'package.json'));
  assert.equal(dependencies, undefined);
  assert.equal(license, manifestOf(join(ROOT, 'package.json')).license);
  for (const path of Object.values(exports['.']).flatMap((one) => Object.values(one)))
    assert.ok(packed.includes(path.slice(2)), path);
  for (const name of packed.filter((each) => each.startsWith('dist/')))
    assert.doesNotMatch(readFileSync(join(installed, name), 'utf8'), /from '(?!\.\/[a-z-]+\.(js|ts)')/, name);
});

test('it can be loaded by require, and says what is missing', () => {
  writeFileSync(join(app, 'use.cjs'), "new (require('tally-client').TallyClient)();");
  assert.throws(() => execFileSync(process.execPath, ['use.cjs'], { cwd: app, stdio: 'pipe' }), {
    message: /"url" is missing: new TallyClient\(\{ url: 'https/,
  });
});

test('its types are self-contained, in modules of both kinds', () => {
  const required = "import { TallyClient } from 'tally-client';\nexport type Client = TallyClient;\n";
  writeFileSync(join(app, 'required.cts'), required);
  writeFileSync(
    join(app, 'use.mts'),
    `import { TallyClient, type CountsAnswer, type Undelivered } from 'tally-client';
const client = new TallyClient({ url: 'https://x', onGivenUp: ({ event }: Undelivered) => event.entity.length });
const room: boolean = await client.count('view', '/a', 1, { at: new Date() });
const answer: CountsAnswer = await client.counts('view', '/a', { by: 'day' });
// @ts-expect-error there is no such grain
await client.counts('view', '/a', { by: 'year' });
export { room, answer };
`,
  );
  const options = ['--module', 'nodenext', '--target', 'es2022', '--lib', 'es2022,dom', '--types', ''];
  const strict = ['--strict', '--noEmit', '--exactOptionalPropertyTypes', '--noUncheckedIndexedAccess'];
  const files = ['use.mts', 'required.cts'];
  execFileSync(tsc, [...options.slice(0, 6), ...strict, ...files], { cwd: app, stdio: 'pipe' });
});

test('the examples of its README run, against the local stack', patient, async () => {
  const stack = await startTestStack();
  try {
    const readme = readFileSync(join(ROOT, 'client', 'README.md'), 'utf8');
    const examples = [...readme.matchAll(/```js\n(.*?)```/gs)].map((match) => match[1] ?? '');
    assert.ok(examples.length >= 3);
    for (const [index, example] of examples.entries()) {
      const file = join(app, `example-${index}.mjs`);
      writeFileSync(file, example.replaceAll('https://tally.example.com', stack.url));
      const child = startNode([file]);
      assert.equal(await child.exited, 0, `${example}\n${child.lines.all.join('\n')}`);
    }
    // The aggregator gathers records for a moment; the examples do not wait for it.
    let status = await stack.status();
    while (status.received === 0) {
      await new Promise((resolve) => setTimeout(resolve, 50));
      status = await stack.status();
    }
    assert.equal(status.rejected, 0);
  } finally {
    await stack.stop();
  }
});
