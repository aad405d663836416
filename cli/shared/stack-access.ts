// Finds a stack: a local one by its URL, one on AWS by its stage; and the names of its resources.
import { GetParameterCommand, ParameterNotFound, type SSMClient } from '@aws-sdk/client-ssm';
import { dynamoDb } from '../../lambdas/aws/clients/dynamo-db.ts';
import { kinesis } from '../../lambdas/aws/clients/kinesis.ts';
import { s3 } from '../../lambdas/aws/clients/s3.ts';
import { sqs } from '../../lambdas/aws/clients/sqs.ts';
import { ssm } from '../../lambdas/aws/clients/ssm.ts';
import type { Configuration } from '../../lib/configuration.ts';
import { CommandError, exitCodes, UsageError } from './errors.ts';

/** A stack, by exactly one of the two. */
export interface StackName {
  /** The URL of a local stack. */
  readonly url?: string;
  /** The stage of a stack on AWS. */
  readonly stage?: string;
}

const NAMES = [
  'streamName',
  'rollupQueueUrl',
  'deadLetterQueueUrl',
  'archiveBucket',
  'countsTable',
  'ledgerTable',
  'retryParameter',
] as const;

/** The parameter `/tally/<stage>/resources`. */
interface Resources extends Readonly<Record<(typeof NAMES)[number], string>> {
  /** Only in a stack that collects access logs. */
  readonly collectorQueueUrl?: string;
  readonly accessLogs?: readonly { readonly bucket: string; readonly prefix: string }[];
  /** Settings that commands share with the stack's functions. */
  readonly settings: Pick<
    Configuration,
    | 'streamGeneration'
    | 'hashSlots'
    | 'minuteRetentionDays'
    | 'hourRetentionDays'
    | 'dayRetentionDays'
    | 'rawRetentionDays'
    | 'deltaRetentionDays'
    | 'ledgerRetentionDays'
  >;
}

/** A stack: its display name, its resources, and clients of its services. */
export type StackAccess = Awaited<ReturnType<typeof openStack>>;

/** A local stack's description of itself. */
interface About {
  readonly stage: string;
  readonly region: string;
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
  readonly endpoints: Readonly<Record<'dynamodb' | 'kinesis' | 'sqs' | 's3' | 'ssm', string>>;
}

/** Opens a stack. @throws CommandError unless it is named in exactly one way, exists and can be reached */
export async function openStack({ url, stage }: StackName) {
  if ((url === undefined) === (stage === undefined))
    throw new UsageError(
      'Name the stack: --url http://127.0.0.1:8787 for a local one, or --stage NAME for one on AWS.',
    );
  const about = url === undefined ? undefined : await aboutLocal(url);
  const config = (service: keyof About['endpoints']) =>
    about && { region: about.region, credentials: about.credentials, endpoint: about.endpoints[service] };
  const clients = {
    dynamoDb: dynamoDb(config('dynamodb')),
    kinesis: kinesis(config('kinesis')),
    sqs: sqs(config('sqs')),
    s3: s3(config('s3')),
    ssm: ssm(config('ssm')),
  };
  const close = () => {
    for (const client of Object.values(clients)) client.destroy();
  };
  try {
    if (about === undefined) checkClock(clients.ssm);
    const resources = await resourcesOf(about?.stage ?? stage ?? '', clients.ssm);
    return { label: url ?? `stage ${stage}`, resources, ...clients, close };
  } catch (error) {
    close();
    throw error;
  }
}

/** Opens a stack for some work, and closes its clients afterwards. @throws CommandError as `openStack` does */
export async function onStack<T>(name: StackName, work: (stack: StackAccess) => Promise<T>): Promise<T> {
  const stack = await openStack(name);
  return work(stack).finally(stack.close);
}

async function aboutLocal(base: string): Promise<About> {
  if (!URL.canParse(base))
    throw new UsageError(`--url must be a URL such as http://127.0.0.1:8787, not "${base}".`);
  const url = new URL('/_local', base);
  const { unreachable: exitCode } = exitCodes;
  const answer = await fetch(url, { signal: AbortSignal.timeout(10_000) }).catch((cause: unknown) => {
    throw new CommandError(`Nothing answers at ${url.origin}: start it with npm start.`, { exitCode, cause });
  });
  // Another server may answer 200, too.
  const about = (await answer.json().catch(() => ({}))) as Partial<About>;
  if (answer.status === 200 && about?.endpoints !== undefined) return about as About;
  throw new CommandError(
    `${url.origin} is not a local stack of Tally. For a stack on AWS, use --stage NAME.`,
    { exitCode },
  );
}

/** Clocks differ, and answers take time. */
const CLOCK_TOLERANCE_MS = 60_000;

/**
 * Has a client compare this machine's clock with the date of each answer. Deletions and compaction go by the clock, and the
 * SDK would sign requests correctly for any.
 */
function checkClock(client: SSMClient): void {
  client.middlewareStack.add(
    (next) => async (args) => {
      const result = await next(args);
      const { headers } = result.response as { headers?: Readonly<Record<string, string>> };
      const aheadMs = Date.now() - Date.parse(headers?.['date'] ?? '');
      if (Math.abs(aheadMs) > CLOCK_TOLERANCE_MS) {
        const seconds = Math.round(Math.abs(aheadMs) / 1_000);
        throw new CommandError(
          `This machine's clock is ${seconds} seconds ${aheadMs > 0 ? 'ahead of' : 'behind'} that of AWS. Set it first: commands go by it.`,
          { exitCode: exitCodes.failed },
        );
      }
      return result;
    },
    { step: 'deserialize', name: 'checkClock' },
  );
}

async function resourcesOf(stage: string, client: SSMClient): Promise<Resources> {
  const Name = `/tally/${stage}/resources`;
  const text = await client.send(new GetParameterCommand({ Name })).then(
    ({ Parameter }) => Parameter?.Value ?? '',
    (error: unknown) => {
      if (!(error instanceof ParameterNotFound)) throw error;
      throw new CommandError(
        `There is no stack of stage "${stage}" in this account and region (no parameter ${Name}).`,
        { exitCode: exitCodes.unreachable },
      );
    },
  );
  const value = JSON.parse(text) as Partial<Resources>;
  const missing = [...NAMES, 'settings' as const].find((field) => value[field] === undefined);
  // The newest of the settings: without it, the stack is older than this command.
  const isOlder = value.settings?.ledgerRetentionDays === undefined;
  if (missing === undefined && !isOlder) return value as Resources;
  throw new CommandError(
    `The parameter ${Name} has no ${missing ?? 'ledgerRetentionDays'}: deploy the stack again.`,
  );
}
