// `tally delete-entity`: its command line.
import { Command } from 'commander';
import { STACK_CODES, wholeNumber, withExample, withStack } from './shared/options.ts';
import type { StackName } from './shared/stack-access.ts';

/** The options given. */
export interface DeleteEntityOptions extends StackName {
  readonly archive?: boolean;
  readonly dryRun?: boolean;
  readonly yes?: boolean;
  readonly wait: number;
}

const command = withStack(
  new Command('delete-entity')
    .description(
      'Delete the counts of an entity, for all metrics and times. Events that arrive afterwards count (docs/security.md).',
    )
    .argument('<entity>', 'the entity as clients send it, not percent-encoded'),
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

export const deleteEntityCommand = withExample(
  command,
  'npx tally delete-entity "/users/jane" --archive --dry-run --stage prod',
  STACK_CODES,
);
