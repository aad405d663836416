// An operator's commands on the local stack: this repository's own, and the service calls that `aws …` makes.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createAwsJsonClient, type JsonService } from '../../local/emulators/aws-json.ts';
import type { JsonObject } from '../../local/json.ts';
import { s3Request } from '../../local/provision.ts';
import type { LocalStack } from '../../local/stack.ts';

/** The runbook's commands. */
export interface Commands {
  /** Sends one call in AWS's JSON protocol, as `aws <service> <operation>` does. */
  call(service: JsonService, action: string, input: JsonObject): Promise<JsonObject>;
  /** `aws s3 ls --recursive s3://bucket/prefix`: the keys. */
  list(bucket: string, prefix: string): Promise<string[]>;
  /** `aws s3 cp s3://bucket/key -`: the object. */
  read(bucket: string, key: string): Promise<string>;
  /** `npx tally … --url URL`: what it prints. @throws when it fails */
  tally(...args: string[]): Promise<string>;
  close(): void;
}

const ROOT = join(import.meta.dirname, '..', '..');

/** Commands against a local stack. */
export function commandsOn({ endpoints, url }: LocalStack): Commands {
  const clients = {
    dynamodb: createAwsJsonClient('dynamodb', endpoints.dynamodb),
    kinesis: createAwsJsonClient('kinesis', endpoints.kinesis),
    sqs: createAwsJsonClient('sqs', endpoints.sqs),
    ssm: createAwsJsonClient('ssm', endpoints.ssm),
  };
  return {
    call: (service, action, input) => clients[service].call(action, input),
    list: async (bucket, prefix) => {
      const { body } = await s3Request(
        endpoints.s3,
        'GET',
        `/${bucket}?list-type=2&prefix=${encodeURIComponent(prefix)}`,
      );
      return [...body.matchAll(/<Key>([^<]+)<\/Key>/g)].map((match) => match[1] ?? '');
    },
    read: async (bucket, key) => (await s3Request(endpoints.s3, 'GET', `/${bucket}/${key}`)).body,
    tally: async (...args) => {
      const child = spawn(process.execPath, ['bin/tally.ts', ...args, '--url', url], {
        cwd: ROOT,
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      const printed = { out: '', err: '' };
      child.stdout.setEncoding('utf8').on('data', (text: string) => {
        printed.out += text;
      });
      child.stderr.setEncoding('utf8').on('data', (text: string) => {
        printed.err += text;
      });
      const [code] = await once(child, 'close');
      if (code !== 0) throw new Error(`tally ${args.join(' ')} ended with ${code}: ${printed.err}`);
      return printed.out.trim();
    },
    close: () => {
      for (const client of Object.values(clients)) client.close();
    },
  };
}
