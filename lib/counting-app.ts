// The CDK app of one stage, checked by cdk-nag before deployment.
import { App, type AppProps, Validations } from 'aws-cdk-lib';
import featureFlags from 'aws-cdk-lib/recommended-feature-flags.json' with { type: 'json' };
import { AwsSolutionsChecks, ServerlessChecks } from 'cdk-nag';
import { type Configuration, configurationOf, settingsIn } from './configuration.ts';
import { ConfigurationError } from './configuration-rules.ts';

/** Creates the app from its context (cdk.json, `-c`). */
export function createApp(props: AppProps = {}): App {
  return new App({
    ...props,
    // The template must not depend on the machine or its tools.
    analyticsReporting: false,
    // The CDK's recommended ones; in code instead of cdk.json, so that the local stack has the same.
    postCliContext: featureFlags,
  });
}

/** Findings of cdk-nag fail the synth. */
export function addChecks(app: App): void {
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app), new ServerlessChecks(app));
}

/** The configuration in an app's context: `stage`, `stages.<stage>` and `settings` (JSON), in this order. */
export function configurationFromContext(app: App): Configuration {
  const stage: unknown = app.node.tryGetContext('stage') ?? 'dev';
  if (typeof stage !== 'string') throw new ConfigurationError('stage must be a name.');
  const stages = settingsIn(app.node.tryGetContext('stages'), 'stages');
  const own = Object.hasOwn(stages, stage) ? stages[stage] : undefined;
  return configurationOf(
    stage,
    settingsIn(own, `stages.${stage}`),
    settingsIn(app.node.tryGetContext('settings'), 'settings'),
  );
}
