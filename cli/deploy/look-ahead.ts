// What has to be there before a stage can be deployed: credentials, a region, the bootstrap, and the stage or the wish for a new one.
import { exitCodes, OperatorError } from '../shared/errors.ts';

/** A parameter of Systems Manager: its ARN, which names account and region. */
export type FindParameter = (name: string) => Promise<{ readonly arn: string } | undefined>;

/** Where the stage will be. */
export interface Target {
  readonly account: string;
  readonly region: string;
  /** Whether the stage is there already. */
  readonly exists: boolean;
}

/** What `cdk bootstrap` leaves behind. */
const BOOTSTRAP = '/cdk-bootstrap/hnb659fds/version';

/** Looks ahead. @throws OperatorError that says what is missing and what to do */
export async function lookAhead(stage: string, isNew: boolean, find: FindParameter): Promise<Target> {
  const bootstrap = await find(BOOTSTRAP);
  if (bootstrap === undefined)
    throw new OperatorError(
      'This account and region are not bootstrapped for CDK: run npx cdk bootstrap once.',
      exitCodes.failed,
    );
  const [, region = '', account = ''] = /^arn:[^:]+:ssm:([^:]+):([^:]+):/.exec(bootstrap.arn) ?? [];
  const exists = (await find(`/tally/${stage}/resources`)) !== undefined;
  if (!exists && !isNew)
    throw new OperatorError(
      `There is no stage "${stage}" in account ${account}, ${region}: add --new to create it.`,
      exitCodes.usage,
    );
  return { account, region, exists };
}
