// Deploying one half does not restart the other: a change of one leaves the other unchanged in the template.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import type { Settings } from '../../lib/configuration.ts';
import { temporaryFolder } from '../support/folder.ts';
import { onlyLong } from '../support/long.ts';
import { templateJson } from '../support/stack-template.ts';

const ROOT = join(import.meta.dirname, '..', '..');

/** The logical ids, without hashes, of resources that are not the same in both templates. */
function changed(before: Record<string, unknown>, afterwards: Record<string, unknown>): string[] {
  const ids = new Set([...Object.keys(before), ...Object.keys(afterwards)]);
  return [...ids]
    .filter((id) => JSON.stringify(before[id]) !== JSON.stringify(afterwards[id]))
    .map((id) => id.replace(/[0-9A-F]{8}$/, ''));
}
const changedBy = (settings: Settings) =>
  changed(templateJson('prod').Resources, templateJson('prod', settings).Resources);

test('settings of one half change its own function or mapping, and nothing of the other', () => {
  assert.deepEqual(changedBy({ writerConcurrency: 20 }), ['WriterMessages']);
  assert.deepEqual(changedBy({ aggregatorMemoryMb: 2048 }), ['AggregatorFunction']);
  assert.deepEqual(changedBy({ aggregatorWindowSeconds: 6 }), ['AggregatorBatches']);
});

test(
  'code of one half changes its own function, and not the other; both mappings stay',
  onlyLong,
  async () => {
    const copy = temporaryFolder();
    for (const name of [
      'api',
      'client',
      'console',
      'formats',
      'lambdas',
      'lib',
      'package.json',
      'package-lock.json',
      'tsconfig.json',
    ]) {
      cpSync(join(ROOT, name), join(copy, name), { recursive: true });
    }
    symlinkSync(join(ROOT, 'node_modules'), join(copy, 'node_modules'));
    writeFileSync(
      join(copy, 'synth.ts'),
      `import { configurationOf } from './lib/configuration.ts';
import { createApp } from './lib/counting-app.ts';
import { addStack } from './lib/counting-stack.ts';
const app = createApp({ outdir: process.argv[2], builtinCloudFormationValidation: false, treeMetadata: false });
addStack(app, configurationOf('prod'), 'bundle');
app.synth();
`,
    );
    const before = await bundled(copy, 'before');
    for (const [noun, other] of [
      ['writer', 'Aggregator'],
      ['aggregator', 'Writer'],
    ] as const) {
      const handler = join(copy, 'lambdas', noun, 'handler.ts');
      const text = readFileSync(handler, 'utf8');
      writeFileSync(handler, `${text}\nlogger.debug('another version');\n`);
      const different = changed(before, await bundled(copy, noun));
      writeFileSync(handler, text);
      const own = noun === 'writer' ? 'WriterFunction' : 'AggregatorFunction';
      assert.deepEqual(different, [own]);
      assert.ok(!different.some((id) => id.includes(other)));
    }
  },
);

/** The resources of the production template with bundled code, synthesized in a process of its own. */
async function bundled(copy: string, name: string): Promise<Record<string, unknown>> {
  const child = spawn(process.execPath, ['synth.ts', name], {
    cwd: copy,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const [[code], complaints] = await Promise.all([once(child, 'close'), text(child.stderr)]);
  assert.equal(code, 0, complaints);
  const file = readdirSync(join(copy, name)).find((each) => each.endsWith('.template.json')) ?? '';
  return (JSON.parse(readFileSync(join(copy, name, file), 'utf8')) as { Resources: Record<string, unknown> })
    .Resources;
}
