// Templates of the stack for tests, without nag and bundling: synthesized once for the same sources, and kept.
import { createHash } from 'node:crypto';
import {
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Template } from 'aws-cdk-lib/assertions';
import type { Settings } from '../../lib/configuration.ts';
import { LOCAL_CONSOLE_FILE } from '../../lib/console-files.ts';

/** A template as JSON. */
export interface TemplateJson {
  readonly Resources: Readonly<Record<string, Resource>>;
  readonly Outputs: Readonly<Record<string, unknown>>;
}

/** One resource of a template. */
export interface Resource {
  readonly Type: string;
  // biome-ignore lint/suspicious/noExplicitAny: a template's properties are of every shape, and tests say which.
  readonly Properties: any;
  readonly Metadata?: Readonly<Record<string, unknown>>;
  readonly DeletionPolicy?: string;
  readonly UpdateReplacePolicy?: string;
  readonly DependsOn?: string | readonly string[];
}

const ROOT = join(import.meta.dirname, '../..');
const CACHE = join(ROOT, 'node_modules/.cache/tally-templates');
/** Everything in a template without bundles, and the console's files. */
const SOURCES = ['{api,client/src,console,lib}/**/*.{ts,tsx,css,html}', 'cdk.json', 'package-lock.json'];

const synthesized = new Map<string, string>();
let sources: string | undefined;

/** The template of a stage with these settings, as JSON text: synthesized once for the same sources, by whichever test is first. */
export function templateText(stage: string, settings: Settings = {}): string {
  const key = JSON.stringify([stage, settings]);
  let text = synthesized.get(key);
  if (text === undefined) {
    sources ??= hashOf(globSync(SOURCES, { cwd: ROOT }).toSorted().map(contentOf).join('\0'));
    text = cached(`${sources}-${hashOf(key)}`, () => synthesize(stage, settings));
    synthesized.set(key, text);
  }
  return text;
}

const hashOf = (text: string) => createHash('sha256').update(text).digest('hex').slice(0, 24);
const contentOf = (path: string) => readFileSync(join(ROOT, path), 'utf8');

/** The text from the cache, with the console that the local stage's template reads. */
function cached(name: string, make: () => string): string {
  const [file, consoleFile] = [join(CACHE, name), join(ROOT, LOCAL_CONSOLE_FILE)];
  if (!existsSync(file)) {
    const text = make();
    mkdirSync(CACHE, { recursive: true });
    const stale = readdirSync(CACHE).filter((each) => !each.startsWith(sources ?? ''));
    for (const each of stale) rmSync(join(CACHE, each), { force: true });
    const made = { text, console: existsSync(consoleFile) ? readFileSync(consoleFile, 'utf8') : '' };
    // Tests run in parallel: each file must appear atomically.
    writeFileSync(`${file}.${process.pid}`, JSON.stringify(made));
    renameSync(`${file}.${process.pid}`, file);
    return text;
  }
  const made = JSON.parse(readFileSync(file, 'utf8')) as { text: string; console: string };
  if (
    made.console !== '' &&
    (!existsSync(consoleFile) || readFileSync(consoleFile, 'utf8') !== made.console)
  ) {
    mkdirSync(dirname(consoleFile), { recursive: true });
    writeFileSync(`${consoleFile}.${process.pid}`, made.console);
    renameSync(`${consoleFile}.${process.pid}`, consoleFile);
  }
  return made.text;
}

/** Loaded on demand: the CDK takes longer to load than most tests to run. */
const load = createRequire(import.meta.url);

function synthesize(stage: string, settings: Settings): string {
  const { configurationOf } = load(
    '../../lib/configuration.ts',
  ) as typeof import('../../lib/configuration.ts');
  const { createApp } = load('../../lib/counting-app.ts') as typeof import('../../lib/counting-app.ts');
  const { addStack } = load('../../lib/counting-stack.ts') as typeof import('../../lib/counting-stack.ts');
  const outdir = mkdtempSync(join(tmpdir(), 'tally-synth-'));
  try {
    const app = createApp({ outdir, builtinCloudFormationValidation: false, treeMetadata: false });
    const stack = addStack(app, configurationOf(stage, settings), 'source');
    app.synth();
    return readFileSync(join(outdir, stack.templateFile), 'utf8');
  } finally {
    rmSync(outdir, { recursive: true });
  }
}

/** The template of a stage as JSON. */
export function templateJson(stage: string, settings: Settings = {}): TemplateJson {
  return JSON.parse(templateText(stage, settings)) as TemplateJson;
}

/** The template of a stage for CDK's assertions. */
export function templateOf(stage: string, settings: Settings = {}): Template {
  const assertions = load('aws-cdk-lib/assertions') as typeof import('aws-cdk-lib/assertions');
  return assertions.Template.fromJSON(JSON.parse(templateText(stage, settings)));
}

/** The resources of a type, with their logical ids. */
export function resourcesOf(template: TemplateJson, type: string): [string, Resource][] {
  return Object.entries(template.Resources).filter(([, resource]) => resource.Type === type);
}

/** The one resource of a type whose logical id starts with `prefix`. */
export function resourceOf(template: TemplateJson, type: string, prefix = ''): Resource {
  const found = resourcesOf(template, type).filter(([id]) => id.startsWith(prefix));
  const [only] = found;
  if (only === undefined || found.length > 1) throw new Error(`${found.length} resources ${type} ${prefix}…`);
  return only[1];
}

/** The schema of the front door's model with a title. */
export function modelOf(template: TemplateJson, title: string): Readonly<Record<string, unknown>> {
  const schemas = resourcesOf(template, 'AWS::ApiGateway::Model').map(
    ([, { Properties }]) => Properties.Schema,
  );
  const found = schemas.find((schema) => schema.title === title);
  if (found === undefined) throw new Error(`there is no model ${title}`);
  return found;
}
