// Bundles a handler for Lambda with one esbuild call, the same for deployments, tests and benchmarks.
import { mkdirSync, writeFileSync } from 'node:fs';
import { basename, join, relative } from 'node:path';
import { type BuildOptions, buildSync, type Metafile } from 'esbuild';

const ROOT = join(import.meta.dirname, '..');

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
  // Nothing is written there. It is fixed, so that the same sources give the same bytes.
  outdir: 'bundle',
  entryNames: 'index',
  outExtension: { '.js': '.mjs' },
  // CommonJS dependencies in an ES module still call require.
  banner: { js: "import{createRequire}from'node:module';const require=createRequire(import.meta.url);" },
  write: false,
  metafile: true,
} as const satisfies BuildOptions;

/** A file of a function's code. */
export interface CodeFile {
  readonly name: string;
  readonly contents: Uint8Array;
}

/** A handler with all its imports: `index.mjs`, shared chunks, files loaded on demand, and source maps. */
export type Bundle = ReturnType<typeof bundle>;

/**
 * Bundles a handler. `outputs` is esbuild's metadata, by path. A file is read at every start or only on demand; source maps are
 * neither.
 * @param entry its path from the project's root
 * @throws BuildFailure when an import cannot be resolved
 */
export function bundle(entry: string) {
  const { outputFiles, metafile } = buildSync({ ...OPTIONS, entryPoints: [entry] });
  const first = readAtStart(metafile.outputs);
  const files = outputFiles.map(({ path, contents }) => ({
    name: basename(path),
    contents,
    atStart: first.has(relative(ROOT, path)),
  }));
  return { files, outputs: metafile.outputs };
}

export function writeBundle(files: readonly CodeFile[], folder: string): void {
  mkdirSync(folder, { recursive: true });
  for (const { name, contents } of files) writeFileSync(join(folder, name), contents);
}

/** The paths of the entry and its static imports, direct or indirect. */
function readAtStart(outputs: Metafile['outputs']): ReadonlySet<string> {
  const found = new Set(['bundle/index.mjs']);
  // Iterating over a set includes elements added during the iteration.
  for (const path of found) {
    for (const imported of outputs[path]?.imports ?? []) {
      if (imported.kind === 'import-statement' && imported.external !== true) found.add(imported.path);
    }
  }
  return found;
}
