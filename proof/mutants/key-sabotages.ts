// The sabotages of the idempotency key: made of whatever batch is at hand, instead of the segment that the ledger fixed.
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the texts to find and put are source code.
import type { Sabotage } from './sabotage.ts';

/** Messages carry a key made of their batch, and counter items remember keys instead of segments. */

export const KEY_SABOTAGES: readonly Sabotage[] = [];
