// The console's files: its page, and esbuild's output, named by content.
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { buildSync } from 'esbuild';

const ROOT = join(import.meta.dirname, '..');

const TYPES: Readonly<Record<string, string>> = {
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  html: 'text/html; charset=utf-8',
};

let built: ReturnType<typeof build> | undefined;

/** Builds the console, once per process. @throws BuildFailure when a source is invalid */
export function consoleFiles() {
  built ??= build();
  return built;
}

/** The console's files for the local stack, from the project's root: its function runs from source, without a bundle. */
export const LOCAL_CONSOLE_FILE = 'node_modules/.cache/tally/console.json';

/** Writes the console's files for the local stack. Each file appears atomically, since several stacks may start at once. */
export function writeLocalConsole(): void {
  const file = join(ROOT, LOCAL_CONSOLE_FILE);
  mkdirSync(dirname(file), { recursive: true });
  const whole = `${file}.${process.pid}`;
  writeFileSync(whole, JSON.stringify(consoleFiles()));
  renameSync(whole, file);
}

function build() {
  const { outputFiles } = buildSync({
    absWorkingDir: ROOT,
    entryPoints: ['console/app.tsx'],
    bundle: true,
    format: 'esm',
    target: 'es2022',
    jsx: 'automatic',
    jsxImportSource: 'preact',
    minify: true,
    legalComments: 'none',
    logLevel: 'warning',
    outdir: join(ROOT, 'bundle'),
    entryNames: '[name]-[hash]',
    write: false,
  });
  const files = outputFiles.map(({ path, text }) => fileOf(basename(path), text));
  const named = (extension: string) => files.find(({ name }) => name.endsWith(extension))?.name ?? '';
  const page = readFileSync(join(ROOT, 'console/index.html'), 'utf8')
    .replace('app.js', named('.js'))
    .replace('app.css', named('.css'));
  return { page: fileOf('index.html', page), files };
}

/** A file with its content type. */
function fileOf(name: string, text: string) {
  const type = TYPES[name.slice(name.lastIndexOf('.') + 1)] ?? 'text/plain';
  return { name, type, text };
}
