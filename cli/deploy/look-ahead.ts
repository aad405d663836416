// Prerequisites of a deployment: credentials, a region, the bootstrap, and an existing stage or the option for a new one.
import { CommandError, UsageError } from '../shared/errors.ts';

/** The parameter that `cdk bootstrap` creates. */
const BOOTSTRAP = '/cdk-bootstrap/hnb659fds/version';

/**
 * Checks the prerequisites.
 * @param find a parameter's ARN, which contains account and region; undefined if there is none
 * @returns where the stage is, or will be, and whether it exists
 * @throws CommandError saying what is missing and what to do
 */
export async function lookAhead(
  stage: string,
  isNew: boolean,
  find: (name: string) => Promise<string | undefined>,
) {
  const bootstrap = await find(BOOTSTRAP);
  if (bootstrap === undefined)
    throw new CommandError(
      'This account and region are not bootstrapped for CDK: run npx cdk bootstrap once.',
    );
  const [, region = '', account = ''] = /^arn:[^:]+:ssm:([^:]+):([^:]+):/.exec(bootstrap) ?? [];
  const exists = (await find(`/tally/${stage}/resources`)) !== undefined;
  if (!exists && !isNew)
    throw new UsageError(
      `There is no stage "${stage}" in account ${account}, ${region}: add --new to create it.`,
    );
  return { account, region, exists };
}
