// An app like bin/app.ts, with and without a web ACL; when asked, with one thing in it that cdk-nag must not let pass.
import { Queue } from 'aws-cdk-lib/aws-sqs';
import { configurationOf } from '../../lib/configuration.ts';
import { addChecks, createApp } from '../../lib/counting-app.ts';
import { addStack } from '../../lib/counting-stack.ts';

const app = createApp();
const webAcl =
  'arn:aws:wafv2:eu-central-1:123456789012:regional/webacl/ours/01234567-89ab-cdef-0123-456789abcdef';
addStack(app, configurationOf('guarded', { webAcl }), 'source');
const stack = addStack(app, configurationOf('prod'), 'source');
addChecks(app);
if (process.argv.includes('--with-finding')) new Queue(stack, 'Careless');
app.synth();
