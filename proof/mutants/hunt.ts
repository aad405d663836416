// Hunts for a broken promise in its own tree: simulation first, then small worlds. Prints one line of JSON.

import { search } from '../explore/search.ts';
import { SMALL_WORLDS } from '../explore/worlds.ts';
import { runSeeds } from '../simulation/campaign/batch.ts';

Error.stackTraceLimit = 0;
const [seeds = 0, states = 0] = process.argv.slice(2).map(Number);
/** States of each world in a first pass: most failures appear early, in one world or another. */
const FIRST_STATES = 300;
/** First passes, each over a different part of the worlds. */
const FIRST_PASSES = 4;

async function hunt() {
  for (let seed = 1; seed <= seeds; seed += 1) {
    const [failure] = (await runSeeds(seed, seed + 1)).failures;
    if (failure === undefined) continue;
    return { by: `seed ${seed}`, promise: failure.promise ?? 'an error' };
  }
  for (let pass = 0; pass <= FIRST_PASSES; pass += 1) {
    for (const world of SMALL_WORLDS) {
      const { violation } = await search(world, pass < FIRST_PASSES ? FIRST_STATES : states, pass);
      if (violation !== undefined) return { by: `world "${world.name}"`, promise: violation.promise };
    }
  }
  return null;
}

console.log(JSON.stringify(await hunt()));
