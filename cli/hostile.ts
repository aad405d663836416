// `tally hostile`: attacks on a local stack.
import { commandOf, wholeNumber } from './shared/options.ts';

export const hostileCommand = commandOf(
  'hostile',
  'Attack a local stack with fuzzed requests, broken connections, malformed records and messages. No answer may be a 5xx, nothing may crash, and every event of well-behaved clients must count once.',
  'npx tally hostile --seconds 10',
)
  .option('--seconds <n>', 'how long to attack at random after each kind was sent once', wholeNumber(0), 60)
  .option('--seed <n>', 'play the attacks of that run again', wholeNumber())
  .option('--crowd <n>', 'idle connections', wholeNumber(0), 500)
  .action(async (options) => {
    process.env['TZ'] = 'UTC';
    const { playHostile } = await import('../proof/hostile/run.ts');
    process.exitCode = await playHostile(options);
  });
