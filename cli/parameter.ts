// `tally parameter`: reads and sets the retry parameter of a running stack; refuses a value that functions could not use.
import { Command, InvalidArgumentError } from 'commander';
import { jsonIn } from '../lambdas/core/json.ts';
import { InvalidRetryPolicy, parseRetryPolicy } from '../lambdas/core/retry-policy.ts';
import { UsageError } from './shared/errors.ts';
import { commandOf, STACK_CODES, withStack } from './shared/options.ts';
import type { StackAccess, StackName } from './shared/stack-access.ts';

type Changes = Readonly<Record<string, number>>;

export const parameterCommand = commandOf(
  'parameter',
  'Read or set how often and how fast the writer retries and the redriver returns dead letters. A value holds within a minute, without a deployment.',
  'npx tally parameter set attempts=5 redrivePerSecond=10 --stage prod',
  STACK_CODES,
);

parameterCommand.addCommand(
  withStack(new Command('get').description('print the parameter as JSON')).action((given: StackName) =>
    run(given),
  ),
);
parameterCommand.addCommand(
  withStack(
    new Command('set')
      .description('change these fields and leave the others')
      .argument('<field=number...>', 'such as attempts=5 backoffJitter=1', fieldAndNumber),
  ).action((changes: Changes, given: StackName) => run(given, changes)),
);

async function run(given: StackName, changes?: Changes): Promise<void> {
  const { onStack } = await import('./shared/stack-access.ts');
  await onStack(given, async (stack) => {
    if (changes !== undefined) await change(stack, changes);
    console.log(await read(stack));
  });
}

async function read({ ssm, resources }: StackAccess): Promise<string> {
  const { GetParameterCommand } = await import('@aws-sdk/client-ssm');
  const { Parameter } = await ssm.send(new GetParameterCommand({ Name: resources.retryParameter }));
  return Parameter?.Value ?? '';
}

function fieldAndNumber(text: string, others: Changes = {}): Changes {
  const [, field, number] = /^(\w+)=(-?\d+(?:\.\d+)?)$/.exec(text) ?? [];
  if (field === undefined) throw new InvalidArgumentError('It must be FIELD=NUMBER, such as attempts=5.');
  return { ...others, [field]: Number(number) };
}

/** Merges changes into the value, if functions can use the result. A value that is not an object is replaced. */
async function change(stack: StackAccess, changes: Changes): Promise<void> {
  const before = jsonIn(await read(stack));
  const fields = typeof before === 'object' && !Array.isArray(before) ? before : {};
  const Value = JSON.stringify({ ...fields, ...changes });
  try {
    parseRetryPolicy(Value);
  } catch (error) {
    if (!(error instanceof InvalidRetryPolicy)) throw error;
    throw new UsageError(`Nothing was changed: ${error.message}.`, { cause: error });
  }
  const { PutParameterCommand } = await import('@aws-sdk/client-ssm');
  const { retryParameter: Name } = stack.resources;
  await stack.ssm.send(new PutParameterCommand({ Name, Value, Type: 'String', Overwrite: true }));
}
