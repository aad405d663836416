// `tally collect-backfill`: announces the objects that a bucket of logs already has, as S3 would have done.
import { InvalidArgumentError } from 'commander';
import { announcementOf } from '../lambdas/collector/announcement.ts';
import { CommandError, exitCodes, UsageError } from './shared/errors.ts';
import { commandOf, STACK_CODES, withStack } from './shared/options.ts';
import type { StackAccess, StackName } from './shared/stack-access.ts';

interface BackfillOptions extends StackName {
  readonly bucket?: string;
  readonly prefix?: string;
  readonly since?: Date;
  readonly dryRun?: boolean;
}

function date(text: string): Date {
  const at = new Date(text);
  if (Number.isNaN(at.getTime())) throw new InvalidArgumentError('It must be a date, such as 2026-11-01.');
  return at;
}

export const collectBackfillCommand = withStack(
  commandOf(
    'collect-backfill',
    'Count the access logs that a bucket already has. Repeat it as you like: each object counts once.',
    'npx tally collect-backfill --stage prod --bucket my-logs --since 2026-01-01',
    STACK_CODES,
  ),
)
  .option('--bucket <name>', 'one of the setting `accessLogs` (all of them)')
  .option('--prefix <prefix>', 'only keys below it')
  .option('--since <date>', 'only objects written since', date)
  .option('--dry-run', 'print how many there are, and change nothing')
  .action(async (options: BackfillOptions) => {
    const { onStack } = await import('./shared/stack-access.ts');
    const objects = await onStack(options, (stack) => announceAll(stack, options));
    console.log(`${objects} objects ${options.dryRun === true ? 'found' : 'announced'}.`);
    process.exitCode = objects === 0 ? exitCodes.nothing : exitCodes.done;
  });

/** @returns how many objects there are */
async function announceAll(
  { resources, s3, sqs }: StackAccess,
  { bucket: only, prefix: within = '', since, dryRun }: BackfillOptions,
): Promise<number> {
  const { paginateListObjectsV2 } = await import('@aws-sdk/client-s3');
  const { MessagesNotSent, SqsRollupQueue } = await import('../lambdas/aws/rollup-queue.ts');
  const { collectorQueueUrl, accessLogs = [] } = resources;
  if (collectorQueueUrl === undefined)
    throw new CommandError('This stack collects no access logs: set accessLogs, and deploy it.');
  const chosen = accessLogs.filter(({ bucket }) => bucket === (only ?? bucket));
  if (chosen.length === 0) throw new UsageError(`The setting accessLogs has no bucket ${only}.`);
  const queue = new SqsRollupQueue(sqs, collectorQueueUrl);
  const failed = (cause: unknown): never => {
    if (!(cause instanceof MessagesNotSent)) throw cause;
    throw new CommandError(`${cause.message}: run the command again.`, { cause });
  };
  let objects = 0;
  for (const { bucket, prefix } of chosen) {
    const [Prefix, wider] = within.length > prefix.length ? [within, prefix] : [prefix, within];
    if (!Prefix.startsWith(wider)) continue;
    for await (const { Contents = [] } of paginateListObjectsV2({ client: s3 }, { Bucket: bucket, Prefix })) {
      const found = Contents.filter(
        ({ LastModified }) => since === undefined || (LastModified ?? since) >= since,
      );
      const messages = found.map(({ Key: key = '', ETag: etag = '', Size: bytes = 0 }) => {
        const announcement = announcementOf({ bucket, key, etag, bytes });
        return { body: JSON.stringify(announcement) };
      });
      if (!dryRun) await queue.send(messages).catch(failed);
      objects += found.length;
    }
  }
  return objects;
}
