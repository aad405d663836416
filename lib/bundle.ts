// Bundles a handler for Lambda with one esbuild call, the same for deployments, tests and benchmarks.
import { mkdirSync, writeFileSync } from 'node:fs';
import { basename, join, relative } from 'node:path';
import { type BuildOptions, buildSync, type Metafile } from 'esbuild';

const ROOT = join(import.meta.dirname, '..');

/** The fixed output path given to esbuild, so that the same sources give the same bytes. */
const NOWHERE = join(ROOT, 'bundle');

const OPTIONS = {
  absWorkingDir: ROOT,
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node24',
  mainFields: ['module', 'main'],
  // Modules imported with import() get their own files and cost a cold start nothing. In a single file, they would be read
  // at every start, and everything they share with the rest would be kept whole.
  splitting: true,
  // A function's credentials are in its environment, so it does not need the SDK's provider chain.
  alias: { '@aws-sdk/credential-provider-node': './lambdas/aws/credentials.ts' },
  // Only a browser provider imports it; without this it would be bundled all the same.
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

export interface BundledFile {
  readonly name: string;
  readonly contents: Uint8Array;
  /** Whether it is read at every start, or only on demand. Source maps are neither. */
  readonly atStart: boolean;
}

/** A handler with all its imports: `index.mjs`, shared chunks, files loaded on demand, and source maps. */
export type Bundle = ReturnType<typeof bundle>;

/**
 * Bundles a handler. `outputs` is esbuild's metadata, by name.
 * @param entry its path from the project's root
 * @throws BuildFailure when an import cannot be resolved
 */
export function bundle(entry: string) {
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
  const files = outputFiles.map(({ path, contents }): BundledFile => {
    const name = relative(NOWHERE, path);
    return { name, contents, atStart: first.has(name) };
  });
  return { files, outputs };
}

export function writeBundle(files: readonly Pick<BundledFile, 'name' | 'contents'>[], folder: string): void {
  mkdirSync(folder, { recursive: true });
  for (const { name, contents } of files) writeFileSync(join(folder, name), contents);
}

/** The entry and its static imports, direct or indirect. */
function readAtStart(outputs: Metafile['outputs']): ReadonlySet<string> {
  const found = new Set(['index.mjs']);
  // Iterating over a set includes elements added during the iteration.
  for (const name of found) {
    for (const { path, kind, external } of outputs[name]?.imports ?? []) {
      if (kind === 'import-statement' && external !== true) found.add(path);
    }
  }
  return found;
}
