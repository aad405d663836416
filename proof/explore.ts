// The exploration's command line: every small world, or those whose names contain one of the words.
import { search } from './explore/search.ts';
import { SMALL_WORLDS } from './explore/worlds.ts';

Error.stackTraceLimit = 0;
const say = (text: string) => process.stdout.write(`${text}\n`);
const words = process.argv.slice(2);
const isSelected = ({ name }: { readonly name: string }) =>
  words.length === 0 || words.some((word) => name.includes(word));
const worlds = SMALL_WORLDS.filter(isSelected);
if (worlds.length === 0) {
  process.stderr.write(
    `There is no world "${words.join(' ')}"; there are ${SMALL_WORLDS.map(({ name }) => name).join('; ')}.\n`,
  );
  process.exit(2);
}
let histories = 0n;
let states = 0;
for (const world of worlds) {
  const startMs = performance.now();
  const found = await search(world);
  const seconds = ((performance.now() - startMs) / 1000).toFixed(1);
  say(`${world.name}: ${found.histories} histories, ${found.states} states, ${seconds} s\n  ${world.shows}`);
  histories += found.histories;
  states += found.states;
  if (found.violation === undefined) continue;
  const { promise, message, path } = found.violation;
  say([`BROKEN: ${promise}`, `  ${message}`, ...path.map((label) => `    ${label}`)].join('\n'));
  process.exitCode = 1;
}
say(`${histories} histories in ${states} states`);
