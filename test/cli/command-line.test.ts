// The command `tally`: help with an example for each subcommand, and usage instead of a stack trace on errors.
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, test } from 'node:test';
import type { Command } from 'commander';
import { asCommandError, exitCodes } from '../../cli/shared/errors.ts';
import { tally } from '../../cli/tally.ts';

const ROOT = join(import.meta.dirname, '..', '..');

/** Every command with its path: `dead-letters list`. */
function* all(command: Command, path: readonly string[] = []): Generator<[string, Command]> {
  for (const child of command.commands) {
    const below = [...path, child.name()];
    yield [below.join(' '), child];
    yield* all(child, below);
  }
}

/** Runs a command line in this process. */
async function usage(args: readonly string[]): Promise<{ code: string; printed: string }> {
  let printed = '';
  const program = tally();
  const note = (text: string) => {
    printed += text;
  };
  const hear = (command: Command) => {
    command.configureOutput({
      writeErr: note,
      writeOut: note,
    });
    for (const child of command.commands) hear(child);
  };
  hear(program);
  try {
    await program.parseAsync(args, { from: 'user' });
    return { code: 'done', printed };
  } catch (error) {
    return { code: (error as { code?: string }).code ?? (error as Error).name, printed };
  }
}

test('every command has a description, and help with an example', async () => {
  for (const [path, command] of all(tally())) {
    assert.ok(command.description().length > 10, path);
    if (command.parent?.parent) continue;
    const { code, printed } = await usage([...path.split(' '), '--help']);
    assert.equal(code, 'commander.helpDisplayed', path);
    assert.match(printed, /\nExamples?:\n {2}npx tally /, path);
    assert.match(printed, /\nExit codes: 0 /, path);
  }
});

test('a wrong flag prints the usage of its command', async () => {
  for (const [path, command] of all(tally())) {
    if (command.commands.length > 0) continue;
    const { code, printed } = await usage([...path.split(' '), '--no-such-flag']);
    assert.match(code, /^commander\.(unknownOption|missingArgument|missingMandatoryOptionValue)$/, path);
    assert.match(printed, /Usage: tally /, path);
  }
});

test('an invalid number prints the usage of its command', async () => {
  let options = 0;
  for (const [path, command] of all(tally())) {
    for (const { flags, long, parseArg } of command.options) {
      if (
        parseArg === undefined ||
        long === null ||
        long === undefined ||
        !/<(n|k|seconds|seed|percent)>/.test(flags)
      )
        continue;
      const { code, printed } = await usage([...path.split(' '), long, 'abc']);
      assert.equal(code, 'commander.invalidArgument', `${path} ${flags}`);
      assert.match(printed, /'abc' is invalid[\s\S]*Usage: tally /, `${path} ${flags}`);
      options += 1;
    }
  }
  assert.ok(options > 40, `${options}`);
});

describe('refusals', () => {
  const cases: readonly [line: string, says: RegExp][] = [
    ['simulate --seed abc', /'abc' is invalid. It must be a whole number/],
    ['simulate', /give one of --seed N, --runs N or --minutes N/],
    ['simulate --seed 1 --runs 2', /give one of/],
    ['bench end-to-end --rounds 0', /'0' is invalid. It must be a whole number from 1/],
    ['bench nothing', /unknown command 'nothing'/],
    ['hostile --seconds soon', /'soon' is invalid/],
    ['start --prot 1', /unknown option '--prot'/],
    ['start --port', /'--port <n>' argument missing/],
    ['start --port x', /'x' is invalid. It must be a whole number from 0 to 65535/],
    ['start --port 70000', /from 0 to 65535/],
    ['start --data=', /It must be a folder/],
    ['start --settings [1]', /--settings must be an object of settings/],
    ['start --settings streamShards=4', /--settings must be JSON/],
    ['start --settings {"streamshards":4}', /did you mean streamShards\?/],
    ['start --settings {"streamShards":0}', /streamShards must be at least 1, not 0/],
    ['start --no-demo=yes', /no-demo/],
    ['start somewhere', /too many arguments/],
    ['bench end-to-end --rates abc', /'abc' is invalid. It must be a whole number from 1/],
    ['bench formats --file /nothing', /There is no \/nothing/],
    ['bench cost --data /nothing', /There is no \/nothing/],
    ['bench cold-start --only nothing', /Allowed choices are aggregator, /],
    ['kill --file /nothing --truth x', /There is no \/nothing/],
    ['late --file /nothing --truth x', /There is no \/nothing/],
    ['parameter set abc --stage b', /'abc' is invalid .*It must be FIELD=NUMBER, such as attempts=5/],
    ['parameter set attempts=abc --stage b', /It must be FIELD=NUMBER/],
    ['kill --file package.json', /required option '--truth <path>'/],
    ['dead-letters discard --all --stage b', /required option '--why <text>'/],
    ['dead-letters list 1.0.1/0 --stage b', /too many arguments/],
    ['dead-letters list --max 0 --stage b', /whole number from 1/],
    ['frobnicate', /unknown command 'frobnicate'/],
  ];
  for (const [line, says] of cases) {
    test(line, async () => {
      const { code, printed } = await usage(line.split(' '));
      assert.match(code, /^commander\./);
      assert.match(printed, says);
      assert.match(printed, /Usage: tally/);
    });
  }

  const refused: readonly [line: string, says: RegExp][] = [
    ['dead-letters list', /Name the stack: --url .* or --stage NAME/],
    ['dead-letters list --url a --stage b', /Name the stack/],
    ['dead-letters park --all 1.0.1/0 --stage b', /Name the dead letters: park NAME …, or park --all/],
    ['dead-letters replay --stage b', /Name the dead letters: replay/],
    ['dead-letters redrive nonsense --stage b', /"nonsense" is not the name of a dead letter/],
    ['drill --only nothing', /There is no scenario nothing; there are table-outage,/],
    ['deploy local', /The stage "local" runs on this machine only/],
    ['deploy prod --settings {"streamShards":0}', /streamShards must be at least 1, not 0\./],
    ['deploy prod --settings streamShards=4', /--settings must be JSON/],
    ['deploy prod --settings [1]', /--settings must be an object of settings/],
  ];
  for (const [line, says] of refused) {
    test(line, async () => {
      await assert.rejects(tally().parseAsync(line.split(' '), { from: 'user' }), {
        name: 'UsageError',
        exitCode: 2,
        message: says,
      });
    });
  }
});

test('as a process: usage and exit code 2, or one sentence and its exit code; never a stack trace', async () => {
  for (const [args, code, says] of [
    [['simulate', '--seed', 'abc'], 2, /Usage: tally simulate/],
    [['dead-letters', 'list'], 2, /^Name the stack/],
    [
      ['dead-letters', 'list', '--url', 'http://127.0.0.1:1'],
      4,
      /^Nothing answers at http:\/\/127\.0\.0\.1:1/,
    ],
    [['explore', 'nothing-such'], 2, /^There is no world "nothing-such"/],
    [['mutants', 'nothing-such'], 2, /^There is no mutation "nothing-such"/],
    [['bench', 'cost', '--workloads', 'nothing-such'], 2, /^There is no workload "nothing-such"/],
    [['kill', '--file', 'package.json', '--truth', '/nothing'], 2, /^there is no truth file \/nothing/],
    [['late', '--file', 'package.json', '--truth', '/nothing'], 2, /^there is no truth file \/nothing/],
    [['--version'], 0, /^\d+\.\d+\.\d+\n$/],
  ] as const) {
    const { status, out, err } = await run(args);
    assert.equal(status, code, err);
    assert.match(err || out, says);
    assert.doesNotMatch(err, /\n\s+at /);
  }
});

test('an exit code follows from the error itself, whatever its text names', async () => {
  const missing = await readFile('/no-such/AccessDenied-ECONNREFUSED/log').catch((error: unknown) => error);
  assert.deepEqual(asCommandError(missing).exitCode, exitCodes.failed);
  assert.match(asCommandError(missing).message, /^ENOENT: .*AccessDenied/);
  const named = (name: string, fields = {}) => Object.assign(new Error('no'), { name, ...fields });
  for (const [error, says] of [
    [named('AccessDeniedException'), /^These credentials lack a permission/],
    [named('ExpiredTokenException'), /^AWS does not accept these credentials/],
    [named('CredentialsProviderError'), /^No AWS credentials/],
    [named('AggregateError', { code: 'ECONNREFUSED' }), /^No answer/],
    [new Error('Region is missing'), /^No AWS region/],
  ] as const) {
    const { exitCode, message } = asCommandError(error);
    assert.equal(exitCode, exitCodes.unreachable);
    assert.match(message, says);
  }
});

test('a closed output ends a command quietly', async () => {
  const child = spawn(process.execPath, ['bin/tally.ts', 'plan', '--help'], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  child.stdout.destroy();
  const [[code], err] = await Promise.all([once(child, 'close'), text(child.stderr)]);
  assert.deepEqual([code, err], [0, '']);
});

function run(args: readonly string[]): Promise<{ status: number; out: string; err: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, ['bin/tally.ts', ...args], { cwd: ROOT }, (error, out, err) =>
      resolve({ status: Number(error?.code ?? 0), out, err }),
    );
  });
}
