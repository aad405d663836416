// A local stack whose functions run as deployed: bundled, not from source.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bundle, writeBundle } from '../lib/bundle.ts';
import type { Json, JsonObject } from '../local/json.ts';
import { type LocalStackOptions, startLocalStack } from '../local/stack.ts';
import { synthesize } from '../local/synthesize.ts';

/** The stack and its functions. Stopping the stack deletes the bundles. */
export type BundledStack = Awaited<ReturnType<typeof startBundledStack>>;
/** A function's bundle, its location, and its name in the stack. */
export type BundledFunction = BundledStack['functions'][number];

/** Bundles every function of the template, and starts a stack on the bundles. */
export async function startBundledStack(options: LocalStackOptions = {}) {
  const template = structuredClone(options.template ?? (await synthesize(undefined, options.settings)));
  const folder = mkdtempSync(join(tmpdir(), 'tally-bundles-'));
  const clean = () => rmSync(folder, { recursive: true, force: true });
  try {
    const bundled = bundleFunctions(template, folder);
    const stack = await startLocalStack({ ...options, template });
    const functions = bundled.map(({ logicalId, ...made }) => {
      const { definition } = stack.functions.find(logicalId);
      /** The variables that Lambda and the template set, with the emulators' endpoints. */
      const environment = () => definition.environment;
      return { ...made, name: definition.name, environment };
    });
    const stop = () => stack.stop().finally(clean);
    return { stack: { ...stack, stop }, functions };
  } catch (error) {
    clean();
    throw error;
  }
}

/** Writes bundles into the folder, and makes the template's functions run from them. `entry` is the path of `index.mjs`. */
function bundleFunctions(template: Json, folder: string) {
  const { Resources } = template as { Resources: Record<string, { Metadata?: JsonObject }> };
  return Object.entries(Resources).flatMap(([logicalId, { Metadata }]) => {
    const source = Metadata?.['tally:entry'];
    if (Metadata === undefined || typeof source !== 'string') return [];
    const noun = source.split('/').at(-2) ?? source;
    const made = bundle(source);
    writeBundle(made.files, join(folder, noun));
    const entry = join(folder, noun, 'index.mjs');
    Metadata['tally:entry'] = entry;
    return [{ logicalId, noun, bundle: made, entry }];
  });
}
