// How a handler becomes what Lambda runs: one esbuild call, the same for deployments, tests and benchmarks.
import { mkdirSync, writeFileSync } from 'node:fs';
import { basename, join, relative } from 'node:path';
import { type BuildOptions, buildSync, type Metafile } from 'esbuild';

const ROOT = join(import.meta.dirname, '..');

/** Where esbuild believes it writes: the same at every call, so that the same sources give the same bytes. */
const NOWHERE = join(ROOT, 'bundle');

const OPTIONS = {
  absWorkingDir: ROOT,
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node24',
  mainFields: ['module', 'main'],
  // What is imported with import() gets files of its own, and costs a cold start nothing. In one file it would not only be
  // read with the rest: all that it shares with the rest would be kept whole, too.
  splitting: true,
  // A function's credentials are in its environment, and the rest of the SDK's chain of providers is never asked.
  alias: { '@aws-sdk/credential-provider-node': './lambdas/aws/credentials.ts' },
  // Only a provider for browsers imports it, which no function calls; without this it would be deployed all the same.
  external: ['bowser'],
  minify: true,
  sourcemap: true,
  sourcesContent: false,
  logLevel: 'warning',
  outdir: NOWHERE,
  entryNames: 'index',
  outExtension: { '.js': '.mjs' },
  // CommonJS dependencies in an ES module still call require.
  banner: { js: "import{createRequire}from'node:module';const require=createRequire(import.meta.url);" },
  write: false,
  metafile: true,
} as const satisfies BuildOptions;

/** One file of a bundle. */
export interface BundledFile {
  readonly name: string;
  readonly contents: Uint8Array;
  /** Whether it is read before the first event; else only when something asks for it. Source maps are read by neither. */
  readonly atStart: boolean;
}

/** A handler with all it imports: `index.mjs`, what that shares with files loaded later, those files, and source maps. */
export interface Bundle {
  readonly files: readonly BundledFile[];
  /** What is in which file, as esbuild says: outputs by name. */
  readonly outputs: Metafile['outputs'];
}

/**
 * Bundles a handler.
 * @param entry its path from the project's root
 * @throws BuildFailure when its imports cannot be followed
 */
export function bundle(entry: string): Bundle {
  const { outputFiles, metafile } = buildSync({ ...OPTIONS, entryPoints: [entry] });
  const outputs = Object.fromEntries(
    Object.entries(metafile.outputs).map(([path, output]) => [
      basename(path),
      {
        ...output,
        imports: output.imports.map((each) =>
          each.external ? each : { ...each, path: basename(each.path) },
        ),
      },
    ]),
  );
  const first = readAtStart(outputs);
  const files = outputFiles.map(({ path, contents }) => {
    const name = relative(NOWHERE, path);
    return { name, contents, atStart: first.has(name) };
  });
  return { files, outputs };
}

/** Writes a bundle into a folder, which is made if it is not there. */
export function writeBundle(
  { files }: { readonly files: readonly Pick<BundledFile, 'name' | 'contents'>[] },
  folder: string,
): void {
  mkdirSync(folder, { recursive: true });
  for (const { name, contents } of files) writeFileSync(join(folder, name), contents);
}

/** The entry, and what it imports with statements, directly or not. */
function readAtStart(outputs: Metafile['outputs']): ReadonlySet<string> {
  const found = new Set(['index.mjs']);
  // A set gives what is added to it while it is walked through.
  for (const name of found) {
    for (const { path, kind, external } of outputs[name]?.imports ?? []) {
      if (kind === 'import-statement' && external !== true) found.add(path);
    }
  }
  return found;
}
