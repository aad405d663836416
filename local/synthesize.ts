// Synthesizes the CDK app for the local stage in a child process, and reads its template.
import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { compileCache } from './compile-cache.ts';
import { LocalStackError } from './errors.ts';
import type { Json, JsonObject } from './json.ts';

export const localStage = 'local';

/**
 * Runs `bin/app.ts` and returns its template. Removes the cloud assembly again.
 * @param settings override the local stage's
 * @throws LocalStackError with the app's own message if it does not synthesize
 */
export async function synthesize(signal?: AbortSignal, settings: JsonObject = {}): Promise<Json> {
  const folder = await mkdtemp(join(tmpdir(), 'tally-synth-'));
  // Assets are not bundled, since handlers run from source.
  const context = { stage: localStage, settings, 'aws:cdk:bundling-stacks': [] };
  const cwd = join(import.meta.dirname, '..');
  const env = {
    ...process.env,
    CDK_OUTDIR: folder,
    CDK_CONTEXT_JSON: JSON.stringify(context),
    TALLY_SYNTHESIZE_FOR: 'local-stack',
    NODE_COMPILE_CACHE: compileCache,
  };
  try {
    await promisify(execFile)(process.execPath, ['bin/app.ts'], { cwd, env, signal }).catch(
      ({ stderr = '' }: { stderr?: string }) => {
        signal?.throwIfAborted();
        throw new LocalStackError(`bin/app.ts does not synthesize:\n${stderr.slice(-8_000).trim()}`);
      },
    );
    const templates = (await readdir(folder)).filter((name) => name.endsWith('.template.json'));
    const [name] = templates;
    if (name === undefined || templates.length > 1)
      throw new LocalStackError(`bin/app.ts must synthesize one stack; it wrote ${templates.length}.`);
    return JSON.parse(await readFile(join(folder, name), 'utf8')) as Json;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
