// `tally recount`: its command line.
import { choice, commandOf, withStack } from './shared/options.ts';
import type { StackName } from './shared/stack-access.ts';

/** The options given. */
export interface RecountOptions extends StackName {
  readonly from?: string;
  readonly to?: string;
  readonly all?: boolean;
  readonly source: 'stream' | 'archive';
  readonly repair?: boolean;
  readonly intoGeneration?: string;
  readonly state: string;
  readonly json?: boolean;
}

export const recountCommand = withStack(
  commandOf(
    'recount',
    'Count hours again from their records, and compare with what is stored, both ways. The same command continues after a kill.',
    'npx tally recount --from 2026-11-22T05:00Z --to 2026-11-22T06:00Z --stage prod\nnpx tally recount --all --source archive --repair --stage prod',
    '0 equal or repaired; 1 differences; 2 wrong usage; 3 not everything could be compared;\n4 no stack, no credentials or no answer.',
  ),
)
  .option('--from <time>', 'first hour, ISO 8601 with a zone (2026-11-22T05:00Z)')
  .option('--to <time>', 'end of the last hour')
  .option('--all', 'every hour')
  .addOption(
    choice(
      '--source <source>',
      'where records are; in the archive with archiveRawEvents',
      ['stream', 'archive'],
      'stream',
    ),
  )
  .option('--repair', 'correct what differs; the archive keeps the old state under repairs/')
  .option(
    '--into-generation <name>',
    'count all records again into a second pair of tables, named after the generation, and compare those; from the archive it needs no ledger',
  )
  .option('--state <file>', 'progress file, from which a killed run continues', 'tally-recount.json')
  .option('--json', 'print the findings as JSON')
  .action(async (given: RecountOptions) => {
    const { runRecount } = await import('./recount/run.ts');
    process.exitCode = await runRecount(given);
  });
