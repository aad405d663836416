// `tally late`: an import in which a share of the events arrives a week after the rest.
import { commandOf, decimal, existing } from './shared/options.ts';

export const lateCommand = commandOf(
  'late',
  'Import a part of a file, the rest a week later, and compare every count in every grain with the truth.',
  'npx tally late --file access.log --truth truth.tsv --late-percent 10',
)
  .requiredOption('--file <path>', 'the log to import', existing)
  .requiredOption('--truth <path>', 'the correct counts (see `tally verify`)')
  .option('--late-percent <n>', 'share of the lines that arrive late', decimal(0, 99), 10)
  .option('--header', 'the first line names columns and belongs to both parts')
  .argument('[options...]', 'options of `tally import`, after --')
  .action(async (importing: string[], options) => {
    process.env['TZ'] = 'UTC';
    const { playLate } = await import('../proof/late.ts');
    process.exitCode = await playLate(options, importing);
  });
