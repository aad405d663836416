// The deployment: checks prerequisites, runs CDK, and prints how to send the first event.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GetParameterCommand, ParameterNotFound } from '@aws-sdk/client-ssm';
import { defaultProvider } from '@aws-sdk/credential-provider-node';
import { SignatureV4 } from '@smithy/signature-v4';
import cdk from '../../cdk.json' with { type: 'json' };
import { ssm } from '../../lambdas/aws/clients/ssm.ts';
import { Sha256 } from '../../lambdas/aws/sha256.ts';
import { configurationOf, LOCAL_STAGE, type Settings, settingsIn } from '../../lib/configuration.ts';
import { ConfigurationError } from '../../lib/configuration-rules.ts';
import type { DeployOptions } from '../deploy.ts';
import { CommandError, UsageError } from '../shared/errors.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const CDK = join(ROOT, 'node_modules', 'aws-cdk', 'bin', 'cdk');

/** The parameter that `cdk bootstrap` creates. */
const BOOTSTRAP = '/cdk-bootstrap/hnb659fds/version';

/** Deploys a stage. @throws UsageError for everything that can be checked before; CommandError when CDK fails */
export async function deploy(stage: string, options: DeployOptions): Promise<void> {
  checkSettings(stage, options.settings);
  const client = ssm();
  const target = await lookAhead(stage, options.new === true, async (Name) => {
    try {
      return (await client.send(new GetParameterCommand({ Name }))).Parameter?.ARN;
    } catch (error) {
      if (error instanceof ParameterNotFound) return undefined;
      throw error;
    }
  }).finally(() => client.destroy());
  const verb = target.exists ? 'Updating' : 'Creating';
  console.log(`${verb} stage ${stage} in account ${target.account}, ${target.region}.`);

  const folder = await mkdtemp(join(tmpdir(), 'tally-deploy-'));
  try {
    const outputs = join(folder, 'outputs.json');
    const args = [CDK, 'deploy', '-c', `stage=${stage}`, '--outputs-file', outputs];
    if (options.settings) args.push('-c', `settings=${options.settings}`);
    if (options.yes) args.push('--require-approval', 'never');
    const child = spawn(process.execPath, args, { cwd: ROOT, stdio: 'inherit' });
    const [code] = await once(child, 'close');
    if (code !== 0) throw new CommandError('The deployment failed: see the error above.');
    const deployed = JSON.parse(await readFile(outputs, 'utf8')) as Record<string, Record<string, string>>;
    const { Url = '', ApiKeyId } = deployed[`Tally-${stage}`] ?? {};
    // The stage is deployed, whether or not its key can be read.
    const keyValue = (id: string) => apiKeyValue(id, target.region).catch(() => undefined);
    const key = ApiKeyId === undefined ? undefined : { id: ApiKeyId, value: await keyValue(ApiKeyId) };
    console.log(firstSteps(Url, key));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Checks the settings' rules. @throws UsageError */
function checkSettings(stage: string, settings = '{}'): void {
  if (stage === LOCAL_STAGE) throw new UsageError('The stage "local" runs on this machine only: npm start.');
  try {
    const stages: Readonly<Record<string, Settings>> = cdk.context.stages;
    configurationOf(stage, stages[stage] ?? {}, settingsIn(settings, '--settings'));
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    throw new UsageError(error.message, { cause: error });
  }
}

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

/** Asks API Gateway for a key's value, which CloudFormation does not output; undefined if it is not available. */
async function apiKeyValue(id: string, region: string): Promise<string | undefined> {
  const endpoint = new URL(process.env['AWS_ENDPOINT_URL'] ?? `https://apigateway.${region}.amazonaws.com`);
  const url = new URL(`/apikeys/${id}?includeValue=true`, endpoint);
  const identity = { service: 'apigateway', region, credentials: defaultProvider() };
  const { protocol, hostname, host, pathname: path } = url;
  const { headers } = await new SignatureV4({ ...identity, sha256: Sha256 }).sign({
    ...{ method: 'GET', protocol, hostname, path, query: { includeValue: 'true' } },
    headers: { host, accept: 'application/json' },
  });
  const answer = await fetch(url, { headers });
  return answer.ok ? ((await answer.json()) as { value?: string }).value : undefined;
}

/** URL, key and a curl line. @param key undefined: the stage requires none */
export function firstSteps(
  url: string,
  key: { readonly id: string; readonly value: string | undefined } | undefined,
): string {
  const base = url.replace(/\/$/, '');
  const header = key === undefined ? '' : ` -H 'x-api-key: ${key.value ?? 'KEY'}'`;
  const unread = `read it with aws apigateway get-api-key --include-value --api-key ${key?.id}`;
  return [
    '',
    `URL  ${base}`,
    `Key  ${key === undefined ? 'none' : (key.value ?? unread)}`,
    '',
    'Send an event, and ask for its count some seconds later:',
    '',
    `  curl -X POST ${base}/v1/events${header} -H 'content-type: application/json' -d '{"events":[{"id":"1","metric":"view","entity":"/hello"}]}'`,
    `  curl '${base}/v1/counts/view/%2Fhello?by=total'${header}`,
  ].join('\n');
}
