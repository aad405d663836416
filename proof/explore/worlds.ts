// The small worlds that `npx tally explore` covers.
import { PROTOCOL_WORLDS } from './protocol-worlds.ts';
import type { SmallWorld } from './small-world.ts';
import { STORE_WORLDS } from './store-worlds.ts';
import { WINDOW_WORLDS } from './window-worlds.ts';

export const SMALL_WORLDS: readonly SmallWorld[] = [...WINDOW_WORLDS, ...PROTOCOL_WORLDS, ...STORE_WORLDS];
