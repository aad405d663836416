// `tally hostile`: attacks on a local stack.
import { Command } from 'commander';
import { wholeNumber, withExample } from './shared/options.ts';

const command = new Command('hostile')
  .description(
    'Attack a local stack with fuzzed requests, broken connections, malformed records and messages. No answer may be a 5xx, nothing may crash, and every event of well-behaved clients must count once.',
  )
  .option('--seconds <n>', 'how long to attack at random after each kind was sent once', wholeNumber(0), 60)
  .option('--seed <n>', 'play the attacks of that run again', wholeNumber())
  .option('--crowd <n>', 'idle connections', wholeNumber(0), 500)
  .action(async (options) => {
    process.env['TZ'] = 'UTC';
    const { playHostile } = await import('../proof/hostile/main.ts');
    process.exitCode = await playHostile(options);
  });

export const hostileCommand = withExample(command, 'npx tally hostile --seconds 10');
