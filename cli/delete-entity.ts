// `tally delete-entity`: its command line.
import { commandOf, STACK_CODES, wholeNumber, withStack } from './shared/options.ts';
import type { StackName } from './shared/stack-access.ts';

/** The options given. */
export interface DeleteEntityOptions extends StackName {
  readonly archive?: boolean;
  readonly dryRun?: boolean;
  readonly yes?: boolean;
  readonly wait: number;
}

export const deleteEntityCommand = withStack(
  commandOf(
    'delete-entity',
    'Delete the counts of an entity, for all metrics and times. Events that arrive afterwards count (docs/security.md).',
    'npx tally delete-entity "/users/jane" --archive --dry-run --stage prod',
    STACK_CODES,
  ).argument('<entity>', 'the entity as clients send it, not percent-encoded'),
)
  .option('--archive', 'also rewrite every object of the archive')
  .option('--dry-run', 'print what there is, and change nothing')
  .option(
    '--wait <seconds>',
    'how long to wait until arrived events are compacted',
    wholeNumber(0, 86_400),
    120,
  )
  .option('--yes', 'do not ask for confirmation')
  .action(async (entity: string, given: DeleteEntityOptions) => {
    const { runDeleteEntity } = await import('./delete-entity/run.ts');
    process.exitCode = await runDeleteEntity(entity, given);
  });
