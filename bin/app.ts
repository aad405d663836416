// The CDK entry: from the context's configuration to the stack of one stage.
import { LOCAL_STAGE } from '../lib/configuration.ts';
import { ConfigurationError } from '../lib/configuration-rules.ts';
import { addChecks, configurationFromContext, createApp } from '../lib/counting-app.ts';
import { addStack } from '../lib/counting-stack.ts';

try {
  const app = createApp();
  const configuration = configurationFromContext(app);
  const local = configuration.stage === LOCAL_STAGE;
  // Its functions are source text, and its data expires after seven days: only local/synthesize.ts may ask for it.
  if (local && process.env['TALLY_SYNTHESIZE_FOR'] !== 'local-stack') {
    throw new ConfigurationError(
      'The stage "local" runs on this machine only (npm start): choose another one, such as -c stage=dev.',
    );
  }
  addStack(app, configuration, local ? 'source' : 'bundle');
  // CDK's own look at the template takes longer than all the rest, and the local stack wants it at once.
  if (local) process.env['CDK_VALIDATION'] = 'false';
  else addChecks(app);
  app.synth();
} catch (error) {
  if (!(error instanceof ConfigurationError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}
