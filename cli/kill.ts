// `tally kill`: an import into a local stack that is killed again and again.
import { commandOf, existing, wholeNumber } from './shared/options.ts';

export const killCommand = commandOf(
  'kill',
  'Import a file into a local stack that is killed with SIGKILL at random moments, and compare every count with the truth.',
  'npx tally kill --file access.log --truth truth.tsv --kills 3 -- --header',
)
  .requiredOption('--file <path>', 'the log to import', existing)
  .requiredOption('--truth <path>', 'the correct counts (see `tally verify`)')
  .option('--kills <n>', 'how often', wholeNumber(1), 10)
  .option('--seed <n>', 'play the same moments again (default: at random)', wholeNumber())
  .option('--keep', 'keep the data folder')
  .argument('[options...]', 'options of `tally import`, after --')
  .action(async (importing: string[], options) => {
    const { readTruth } = await import('./verify/truth.ts');
    // Fail now, not after ten kills.
    await readTruth(options.truth, 'views');
    const { playKills } = await import('../proof/kill.ts');
    process.exitCode = await playKills(options, importing);
  });
