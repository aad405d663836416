// `tally deploy`: checks everything that could stop a deployment before half a minute of bundling.
import { commandOf } from './shared/options.ts';

export interface DeployOptions {
  readonly new?: boolean;
  readonly settings?: string;
  readonly yes?: boolean;
}

export const deployCommand = commandOf(
  'deploy',
  'Deploy a stage to AWS, with your usual credentials and region.',
  `npx tally deploy dev --new\nnpx tally deploy prod --settings '{"streamShards": 2}'`,
)
  .argument('<stage>', 'such as dev or prod; cdk.json holds its settings')
  .option('--new', 'create the stage if it does not exist')
  .option('--settings <json>', 'settings that override those of cdk.json (docs/settings.md)')
  .option('--yes', 'do not ask before permissions change')
  .action(async (stage: string, options: DeployOptions) => {
    const { deploy } = await import('./deploy/deploy.ts');
    await deploy(stage, options);
  });
