// An app like bin/app.ts, with and without a web ACL; when asked, with one thing in it that cdk-nag must not let pass.
import { Queue } from 'aws-cdk-lib/aws-sqs';
import { configurationOf } from '../../lib/configuration.ts';
import { addStack, createApp } from '../../lib/counting-app.ts';

const app = createApp();
const webAcl =
  'arn:aws:wafv2:eu-central-1:123456789012:regional/webacl/ours/01234567-89ab-cdef-0123-456789abcdef';
addStack(app, configurationOf('guarded', { webAcl }), { code: 'source', checked: false });
const stack = addStack(app, configurationOf('prod'), { code: 'source', checked: true });
if (process.argv.includes('--with-finding')) new Queue(stack, 'Careless');
app.synth();
