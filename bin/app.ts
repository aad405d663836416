// The CDK entry: from the context's configuration to the stack of one stage.
import { ConfigurationError } from '../lib/configuration-rules.ts';
import { addStack, configurationFromContext, createApp, optionsOf } from '../lib/counting-app.ts';

try {
  const app = createApp();
  const configuration = configurationFromContext(app);
  const options = optionsOf(configuration);
  addStack(app, configuration, options);
  // CDK's own look at the template takes longer than all the rest, and a stage that is not checked wants it at once.
  if (!options.checked) process.env['CDK_VALIDATION'] = 'false';
  app.synth();
} catch (error) {
  if (!(error instanceof ConfigurationError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}
