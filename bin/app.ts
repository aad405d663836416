// The CDK entry: from the context's configuration to the stack of one stage.
import { LOCAL_STAGE } from '../lib/configuration.ts';
import { ConfigurationError } from '../lib/configuration-rules.ts';
import { addStack, configurationFromContext, createApp, optionsOf } from '../lib/counting-app.ts';

try {
  const app = createApp();
  const configuration = configurationFromContext(app);
  // Its functions are source text, and its data expires after seven days: only local/synthesize.ts may ask for it.
  if (configuration.stage === LOCAL_STAGE && process.env['TALLY_SYNTHESIZE_FOR'] !== 'local-stack') {
    throw new ConfigurationError(
      'The stage "local" runs on this machine only (npm start): choose another one, such as -c stage=dev.',
    );
  }
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
