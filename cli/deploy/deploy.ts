// The deployment: checks prerequisites, runs CDK, and prints how to send the first event.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GetParameterCommand, ParameterNotFound } from '@aws-sdk/client-ssm';
import cdk from '../../cdk.json' with { type: 'json' };
import { ssm } from '../../lambdas/aws/clients/ssm.ts';
import { configurationOf, LOCAL_STAGE, type Settings, settingsIn } from '../../lib/configuration.ts';
import { ConfigurationError } from '../../lib/configuration-rules.ts';
import type { DeployOptions } from '../deploy.ts';
import { UsageError } from '../shared/errors.ts';
import { apiKeyValue } from './api-key.ts';
import { firstSteps } from './first-steps.ts';
import { lookAhead } from './look-ahead.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const CDK = join(ROOT, 'node_modules', 'aws-cdk', 'bin', 'cdk');

/** Deploys a stage. @returns CDK's exit code @throws UsageError for everything that can be checked before */
export async function deploy(stage: string, options: DeployOptions): Promise<number> {
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
    if (code !== 0) return typeof code === 'number' ? code : 1;
    const deployed = JSON.parse(await readFile(outputs, 'utf8')) as Record<string, Record<string, string>>;
    const { Url = '', ApiKeyId } = deployed[`Tally-${stage}`] ?? {};
    // The stage is deployed, whether or not its key can be read.
    const keyValue = (id: string) => apiKeyValue(id, target.region).catch(() => undefined);
    const key = ApiKeyId === undefined ? undefined : { id: ApiKeyId, value: await keyValue(ApiKeyId) };
    console.log(firstSteps(Url, key));
    return 0;
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
