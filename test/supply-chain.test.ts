// The supply chain, checked without the network: what the lock file may hold, and what may run or ship of it.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { glob } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';

const ROOT = join(import.meta.dirname, '..');

interface Manifest {
  readonly dependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
  readonly allowScripts: Readonly<Record<string, boolean>>;
}

interface LockedPackage {
  readonly version?: string;
  readonly resolved?: string;
  readonly integrity?: string;
  readonly license?: string;
  readonly link?: boolean;
  readonly inBundle?: boolean;
  readonly dev?: boolean;
  readonly hasInstallScript?: boolean;
}

const manifest = readJson<Manifest>('package.json');
const lock = readJson<{ lockfileVersion: number; packages: Record<string, LockedPackage> }>(
  'package-lock.json',
);
const [root, ...packages] = Object.entries(lock.packages);

/** Licences that let anyone use, change and pass on; of a choice, one of the two must be here. */
const LICENCES = new Set([
  'Apache-2.0',
  'MIT',
  'MIT-0',
  'ISC',
  'BSD-2-Clause',
  'BSD-3-Clause',
  '0BSD',
  'BlueOak-1.0.0',
]);

/** Licences of tools for development that are used unchanged and never shipped. */
const LICENCES_OF_TOOLS: Readonly<Record<string, string>> = { 'axe-core': 'MPL-2.0' };

/** Majors that stay until they are reviewed: the next one is known to fail, or is untested. */
const MAJORS: Readonly<Record<string, number>> = { 'aws-cdk': 2, 'aws-cdk-lib': 2, fauxqs: 2, node: 24 };

/** Imported, but in nothing that ships: types alone, what looks at the template while it is made, what makes bundles. */
const TOOLS = ['aws-lambda', 'cdk-nag', 'esbuild'];

test('the lock file matches the manifest', () => {
  assert.equal(lock.lockfileVersion, 3);
  assert.equal(root?.[0], '');
  const { dependencies, devDependencies } = manifest;
  assert.partialDeepStrictEqual(root?.[1], { dependencies, devDependencies });
});

test('every package comes from the npm registry, with the hash of when it was locked', () => {
  for (const [path, { version, resolved, integrity, link, inBundle }] of packages) {
    assert.notEqual(link, true, `${path} is a link`);
    assert.match(version ?? '', /^\d+\.\d+\.\d+/, path);
    // Without an address npm takes the registry's; a bundled package is inside one that has a hash.
    if (resolved !== undefined) assert.match(resolved, /^https:\/\/registry\.npmjs\.org\//, path);
    if (inBundle !== true) assert.match(integrity ?? '', /^sha512-[A-Za-z0-9+/]{86}==$/, path);
  }
});

test('every licence is permissive', () => {
  for (const [path, { license, dev }] of packages) {
    if (dev === true && license !== undefined && LICENCES_OF_TOOLS[nameOf(path)] === license) continue;
    const choices = (license ?? 'none').replaceAll(/[()]/g, '').split(' OR ');
    assert.ok(
      choices.some((choice) => LICENCES.has(choice)),
      `${path} has the licence ${license}`,
    );
  }
});

test('no package runs an install script, except those that package.json allows', () => {
  const running = packages
    .filter(([, { hasInstallScript }]) => hasInstallScript === true)
    .map(([path]) => nameOf(path));
  const allowed = Object.keys(manifest.allowScripts).filter((name) => manifest.allowScripts[name] === true);
  assert.deepEqual(running.toSorted(), allowed.toSorted());
});

test('pinned majors are installed, and the ranges allow no others', () => {
  const ranges = { ...manifest.dependencies, ...manifest.devDependencies };
  for (const [name, major] of Object.entries(MAJORS)) {
    assert.match(lock.packages[`node_modules/${name}`]?.version ?? '', new RegExp(`^${major}\\.`), name);
    assert.match(ranges[name] ?? '', new RegExp(`^\\^?${major}\\.\\d+\\.\\d+$`), name);
  }
  for (const [name, range] of Object.entries(ranges)) {
    assert.match(range, /^\^?\d+\.\d+\.\d+$/, `${name}: a range within one major`);
  }
});

test('deployed code has one version of the SDK and of each of its dependencies', () => {
  const versions = new Map<string, Set<string>>();
  for (const [path, { version = '', inBundle, dev }] of packages) {
    const name = nameOf(path);
    if (!/^@(aws-sdk|smithy|aws-lambda-powertools|middy)\//.test(name)) continue;
    if (inBundle === true || dev === true) continue;
    versions.set(name, (versions.get(name) ?? new Set()).add(version));
  }
  assert.ok(versions.size > 10);
  for (const [name, found] of versions) assert.equal(found.size, 1, `${name}: ${[...found]}`);
});

test('dependencies are what ships (lambdas/) and what describes it (lib/, bin/); all else is for development', async () => {
  const ships = await importedBy('lambdas/**/*.ts');
  const describes = await importedBy('{lib,bin}/**/*.ts');
  const wanted = new Set([...ships, ...describes]);
  for (const tool of TOOLS) wanted.delete(tool);
  assert.deepEqual(Object.keys(manifest.dependencies).toSorted(), [...wanted].toSorted());
  for (const name of ships) assert.ok(!/^(aws-cdk-lib|constructs)$/.test(name), `a function imports ${name}`);
});

/** The packages that files import, by name. */
async function importedBy(pattern: string): Promise<Set<string>> {
  const names = new Set<string>();
  for await (const file of glob(pattern, { cwd: ROOT })) {
    const source = readFileSync(join(ROOT, file), 'utf8');
    for (const [, specifier = ''] of source.matchAll(/^(?:import|export|\}) ?.*?from '([^']+)'/gm)) {
      if (/^(\.|node:)/.test(specifier)) continue;
      names.add(specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/'));
    }
  }
  return names;
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);
}

function readJson<T>(path: string): T {
  return JSON.parse(readFileSync(join(ROOT, path), 'utf8')) as T;
}
