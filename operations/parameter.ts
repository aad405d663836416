// `npm run parameter`: reads and sets the retry parameter of a running stack; a value that functions could not use is refused.

import { parseArgs } from 'node:util';
import { GetParameterCommand, PutParameterCommand } from '@aws-sdk/client-ssm';
import { InvalidRetryPolicy, parseRetryPolicy } from '../lambdas/counting/retry-policy.ts';
import { asOperatorError, exitCodes, OperatorError } from './errors.ts';
import { openStack, type StackAccess } from './stack-access.ts';

const USAGE = `npm run parameter -- get|set (--url URL | --stage NAME) [FIELD=NUMBER …]

  get                 prints the retry parameter as JSON
  set FIELD=NUMBER …  changes these fields and leaves the others, such as attempts=5 backoffJitter=1
                      (attempts, backoffBaseSeconds, backoffCapSeconds, backoffJitter, redrivePerSecond, redriveDelaySeconds,
                      redriveDelayCapSeconds, redriveDelayGrowth, redriveRounds)

Writer and redriver take a new value within about a minute, without a deployment.
Exit code 0: done. 2: wrong usage or a value that can not be used; nothing was changed. 4: no stack, no credentials, no answer.`;

try {
  process.exitCode = await main();
} catch (error) {
  const { message, exitCode } = asOperatorError(error);
  console.error(message);
  process.exitCode = exitCode;
}

async function main(): Promise<number> {
  const { values, positionals } = parsed();
  const [command, ...changes] = positionals;
  if (values.help || command === undefined) {
    console.log(USAGE);
    return values.help ? exitCodes.done : exitCodes.usage;
  }
  if (command !== 'get' && command !== 'set') throw wrong(`The command is get or set, not "${command}".`);
  if ((values.url === undefined) === (values.stage === undefined))
    throw wrong(
      'Say which stack: --url http://127.0.0.1:8787 for a local one, or --stage NAME for one on AWS.',
    );
  if ((command === 'set') === (changes.length === 0))
    throw wrong('set takes FIELD=NUMBER, such as attempts=5; get takes nothing.');
  const stack = await openStack({ url: values.url, stage: values.stage });
  try {
    if (command === 'set') await change(stack, changes);
    console.log(await read(stack));
    return exitCodes.done;
  } finally {
    stack.close();
  }
}

async function read({ ssm, resources }: StackAccess): Promise<string> {
  const { Parameter } = await ssm.send(new GetParameterCommand({ Name: resources.retryParameter }));
  return Parameter?.Value ?? '';
}

/** Puts the value together with the changes, if functions can use the whole. */
async function change(stack: StackAccess, changes: readonly string[]): Promise<void> {
  const fields = changes.map((text): [string, number] => {
    const [, field, number] = /^(\w+)=(-?\d+(?:\.\d+)?)$/.exec(text) ?? [];
    if (field === undefined) throw wrong(`"${text}" is not FIELD=NUMBER.`);
    return [field, Number(number)];
  });
  const Value = JSON.stringify({ ...usable(await read(stack)), ...Object.fromEntries(fields) });
  try {
    parseRetryPolicy(Value);
  } catch (error) {
    if (!(error instanceof InvalidRetryPolicy)) throw error;
    throw new OperatorError(`Nothing was changed: ${error.message}.`, exitCodes.usage, { cause: error });
  }
  const { retryParameter: Name } = stack.resources;
  await stack.ssm.send(new PutParameterCommand({ Name, Value, Type: 'String', Overwrite: true }));
}

/** The fields of a value; none of one that is no object, which a change repairs. */
function usable(text: string): object {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : {};
  } catch {
    return {};
  }
}

function parsed() {
  try {
    return parseArgs({
      options: {
        url: { type: 'string' },
        stage: { type: 'string' },
        help: { type: 'boolean', short: 'h', default: false },
      },
      allowPositionals: true,
    });
  } catch (error) {
    throw wrong(`${(error instanceof Error ? error.message : String(error)).split('. ')[0]}.`);
  }
}

function wrong(message: string): OperatorError {
  return new OperatorError(`${message} See npm run parameter -- --help`, exitCodes.usage);
}
