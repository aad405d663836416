// Templates of the stack for tests: each asked for is synthesized once in a process, without nag and bundling.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Template } from 'aws-cdk-lib/assertions';
import { configurationOf, type Settings } from '../../lib/configuration.ts';
import { addStack, createApp } from '../../lib/counting-app.ts';

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

const synthesized = new Map<string, string>();

/** The template of a stage with these settings, as JSON text. */
export function templateText(stage: string, settings: Settings = {}): string {
  const key = JSON.stringify([stage, settings]);
  let text = synthesized.get(key);
  if (text === undefined) {
    const outdir = mkdtempSync(join(tmpdir(), 'tally-synth-'));
    try {
      const app = createApp({ outdir, builtinCloudFormationValidation: false, treeMetadata: false });
      const stack = addStack(app, configurationOf(stage, settings), { code: 'source', checked: false });
      app.synth();
      text = readFileSync(join(outdir, stack.templateFile), 'utf8');
    } finally {
      rmSync(outdir, { recursive: true });
    }
    synthesized.set(key, text);
  }
  return text;
}

/** The template of a stage as JSON. */
export function templateJson(stage: string, settings: Settings = {}): TemplateJson {
  return JSON.parse(templateText(stage, settings)) as TemplateJson;
}

/** The template of a stage for CDK's assertions. */
export function templateOf(stage: string, settings: Settings = {}): Template {
  return Template.fromJSON(JSON.parse(templateText(stage, settings)));
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
