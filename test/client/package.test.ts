// The package as it is published: plain JavaScript and types, that run in a folder with nothing else, and its README's examples.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { startLocalStack } from '../../local/stack.ts';
import { startNode } from '../local/support/processes.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const patient = { timeout: 180_000 };

interface Manifest {
  readonly name: string;
  readonly dependencies?: unknown;
  readonly license: string;
  readonly exports: { readonly '.': { readonly types: string; readonly default: string } };
}
const manifestOf = (path: string) => JSON.parse(readFileSync(path, 'utf8')) as Manifest;

// A bare folder with the package in it, as npm would install it.
const folder = mkdtempSync(join(tmpdir(), 'tally-client-'));
after(() => rmSync(folder, { recursive: true, force: true }));
const tsc = join(ROOT, 'node_modules', '.bin', 'tsc');
const installed = join(folder, 'node_modules', 'tally-client');
const packed = pack();

/** Builds the package and lays down the files npm would pack. Returns their names. */
function pack(): string[] {
  // Elsewhere than in the project: a test leaves nothing behind.
  const source = join(folder, 'package', 'client');
  mkdirSync(source, { recursive: true });
  cpSync(join(ROOT, 'client'), source, {
    recursive: true,
    filter: (path) => !/[/\\](dist|node_modules)$/.test(path),
  });
  cpSync(join(ROOT, 'tsconfig.json'), join(folder, 'package', 'tsconfig.json'));
  execFileSync(tsc, ['-p', 'tsconfig.build.json'], { cwd: source, stdio: 'pipe' });
  const npm = [
    'pack',
    '--dry-run',
    '--json',
    '--offline',
    '--ignore-scripts',
    '--cache',
    join(folder, 'cache'),
  ];
  const answer = JSON.parse(execFileSync('npm', npm, { cwd: source, encoding: 'utf8', stdio: 'pipe' })) as
    | { files: { path: string }[] }[]
    | Record<string, { files: { path: string }[] }>;
  const [{ files } = { files: [] }] = Object.values(answer);
  const names = files.map(({ path }) => path);
  for (const name of names) cpSync(join(source, name), join(installed, name));
  return names.sort();
}

test('it holds JavaScript, types, its README and its manifest, and nothing else', () => {
  for (const name of packed) assert.match(name, /^(package\.json|README\.md|dist\/[a-z-]+(\.js|\.d\.ts))$/);
  for (const name of ['README.md', 'package.json', 'dist/index.js', 'dist/index.d.ts'])
    assert.ok(packed.includes(name), name);
  const { dependencies, exports, license } = manifestOf(join(installed, 'package.json'));
  assert.equal(dependencies, undefined);
  assert.equal(license, manifestOf(join(ROOT, 'package.json')).license);
  for (const path of Object.values(exports['.'])) assert.ok(packed.includes(path.slice(2)), path);
  for (const name of packed.filter((each) => each.startsWith('dist/')))
    assert.doesNotMatch(readFileSync(join(installed, name), 'utf8'), /from '(?!\.\/[a-z-]+\.(js|ts)')/, name);
});

test('its types stand by themselves', () => {
  writeFileSync(
    join(folder, 'use.ts'),
    `import { TallyClient, type CountsAnswer, type Undelivered } from 'tally-client';
const client = new TallyClient({ url: 'https://x', onGivenUp: ({ event }: Undelivered) => event.id.length });
const room: boolean = await client.count('view', '/a', 1, { at: new Date() });
const answer: CountsAnswer = await client.counts('view', '/a', { by: 'day' });
// @ts-expect-error there is no such grain
await client.counts('view', '/a', { by: 'week' });
export { room, answer };
`,
  );
  const options = ['--module', 'nodenext', '--target', 'es2022', '--lib', 'es2022,dom', '--types', ''];
  const strict = ['--strict', '--noEmit', '--exactOptionalPropertyTypes', '--noUncheckedIndexedAccess'];
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
  execFileSync(tsc, [...options.slice(0, 6), ...strict, 'use.ts'], { cwd: folder, stdio: 'pipe' });
});

test('the examples of its README run, against the local stack', patient, async () => {
  const stack = await startLocalStack({ schedules: false });
  try {
    const readme = readFileSync(join(ROOT, 'client', 'README.md'), 'utf8');
    const examples = [...readme.matchAll(/```js\n(.*?)```/gs)].map((match) => match[1] ?? '');
    assert.ok(examples.length >= 3);
    for (const [index, example] of examples.entries()) {
      const file = join(folder, `example-${index}.js`);
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
