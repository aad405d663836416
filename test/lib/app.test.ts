// The app as a process: synth stops at a broken rule with one sentence, and at an unacknowledged finding.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, test } from 'node:test';
import { ConfigurationError } from '../../lib/configuration-rules.ts';
import { configurationFromContext, createApp } from '../../lib/counting-app.ts';
import { compileCache } from '../../local/compile-cache.ts';
import { temporaryFolder } from '../support/folder.ts';
import { onlyLong } from '../support/long.ts';
import { refusalOf } from './refusal.ts';

const LOCAL_TEMPLATE = 'Tally-local.template.json';
const root = join(import.meta.dirname, '..', '..');

test('the local stage synthesizes by Node alone, its settings over those of cdk.json', async () => {
  const outdir = await synthesizedLocally({
    stages: { local: { streamShards: 5, logRetentionDays: 7 } },
    settings: '{"streamShards":3}',
  });
  const files = await readdir(outdir);
  assert.ok(!files.some((name) => name.startsWith('asset.')), 'nothing is bundled');
  const template = await readFile(join(outdir, LOCAL_TEMPLATE), 'utf8');
  assert.match(template, /"tally:entry": "lambdas\/writer\/handler.ts"/);
  assert.match(template, /"ShardCount": 3,/);
  assert.match(template, /"RetentionInDays": 7/);
});

test('cfn-lint has no objection to the template', onlyLong, async (t) => {
  const outdir = await synthesizedLocally({});
  // W3005 is about a DependsOn that CDK itself writes.
  const parameters = ['--ignore-checks', 'W3005', '--template', join(outdir, LOCAL_TEMPLATE)];
  const { code, output } = await run('cfn-lint', parameters, outdir, {});
  if (code === undefined) t.skip('cfn-lint is not installed');
  else assert.equal(code, 0, output);
});

test('the stage local cannot be deployed: only the local stack may synthesize it', async () => {
  const outdir = temporaryFolder();
  const { code, error } = await run(process.execPath, ['bin/app.ts'], outdir, { stage: 'local' });
  assert.equal(code, 1);
  assert.match(error, /^The stage "local" runs on this machine only .*-c stage=dev\.\n$/);
  assert.deepEqual(
    (await readdir(outdir)).filter((name) => name.endsWith('.template.json')),
    [],
  );
});

test('a broken rule prints one sentence on the command line, and nothing else', async () => {
  const context = { stage: 'prod', settings: { minuteRetentionDays: 400, hourRetentionDays: 30 } };
  const { code, error, output } = await run(process.execPath, ['bin/app.ts'], temporaryFolder(), context);
  assert.equal(code, 1);
  assert.equal(output, '');
  assert.equal(error, `${refusalOf({ minuteRetentionDays: 400, hourRetentionDays: 30 })}\n`);
});

describe('context is refused with one sentence when', () => {
  const cases: readonly [name: string, context: Record<string, unknown>, sentence: string][] = [
    [
      'a rule is broken by the stage of cdk.json',
      { stage: 'prod', stages: { prod: { writerConcurrency: 1 } } },
      'writerConcurrency must be at least 2, not 1.',
    ],
    [
      'settings are no JSON',
      { stage: 'prod', settings: 'streamShards=4' },
      'settings must be JSON, such as {"streamShards":2}.',
    ],
    [
      'settings are no object',
      { stage: 'prod', settings: '[4]' },
      'settings must be an object of settings, such as {"streamShards":2}.',
    ],
    [
      'the stage of cdk.json is no object',
      { stage: 'prod', stages: { prod: 4 } },
      'stages.prod must be an object of settings, such as {"streamShards":2}.',
    ],
    [
      'the stage is no name',
      { stage: 'Prod!' },
      'stage must be 1 to 16 lower-case letters, digits and hyphens, a letter first, not "Prod!".',
    ],
  ];
  for (const [name, context, message] of cases) {
    test(name, async () => {
      const app = createApp({ context, outdir: temporaryFolder() });
      assert.throws(() => configurationFromContext(app), { name: ConfigurationError.name, message });
    });
  }
});

test('a stage without settings of its own has those of production', async () => {
  const app = createApp({ context: { stage: 'new' }, outdir: temporaryFolder() });
  const c = configurationFromContext(app);
  assert.deepEqual([c.stage, c.streamShards, c.apiKeys], ['new', 1, true]);
});

const NAGGED = 'test/support/app-with-finding.ts';

// `npm run check` finds the same by the CDK's command line.
test('cdk-nag has no findings', onlyLong, async () => {
  const { code, error } = await run(process.execPath, [NAGGED], temporaryFolder(), {});
  assert.equal(code, 0, error);
  assert.equal(error, '');
});

test('an unacknowledged finding stops the synth', async () => {
  const { code, error } = await run(process.execPath, [NAGGED, '--with-finding'], temporaryFolder(), {});
  assert.notEqual(code, 0);
  assert.match(error, /AwsSolutions-SQS4/);
  assert.match(error, /Serverless-SQSRedrivePolicy/);
});

/** Synthesizes the local stage. @returns the folder */
async function synthesizedLocally(context: object): Promise<string> {
  const outdir = temporaryFolder();
  const local = { TALLY_SYNTHESIZE_FOR: 'local-stack' };
  const { code, error } = await run(
    process.execPath,
    ['bin/app.ts'],
    outdir,
    { stage: 'local', ...context },
    local,
  );
  assert.equal(code, 0, error);
  return outdir;
}

/** Runs a command to its end, or the app with a context, as the local stack does; no exit code if the command is missing. */
async function run(command: string, parameters: string[], outdir: string, context: object, more = {}) {
  const child = spawn(command, parameters, {
    cwd: root,
    env: {
      PATH: `${join(root, 'node_modules', '.bin')}${delimiter}${process.env['PATH']}`,
      HOME: process.env['HOME'],
      NODE_COMPILE_CACHE: compileCache,
      CDK_OUTDIR: outdir,
      CDK_CONTEXT_JSON: JSON.stringify(context),
      ...more,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const output = text(child.stdout);
  const error = text(child.stderr);
  const code = await new Promise<number | null | undefined>((resolve, reject) => {
    child.once('close', resolve);
    child.once('error', (failure: NodeJS.ErrnoException) =>
      failure.code === 'ENOENT' ? resolve(undefined) : reject(failure),
    );
  });
  return { code, output: await output, error: await error };
}
