// An app like bin/app.ts with one thing in it that cdk-nag must not let pass: an unencrypted-transport queue.
import { Queue } from 'aws-cdk-lib/aws-sqs';
import { configurationOf } from '../../lib/configuration.ts';
import { addStack, createApp } from '../../lib/counting-app.ts';

const settings = process.argv.includes('--web-acl') ? { webAcl: 'rate-limit' } : {};
const app = createApp();
const stack = addStack(app, configurationOf('prod', settings), { code: 'source', checked: true });
if (process.argv.includes('--with-finding')) new Queue(stack, 'Careless');
app.synth();
