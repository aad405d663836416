// The sabotages of packing: events grouped in ways in which a retry packed differently misses its twin.
import { one, type Sabotage } from './sabotage.ts';

const PACKS = 'client/src/packs.ts';
const UNEXPLORED = 'records of small worlds are put into their shard by hand';

const BUCKET = '    const bucket = bucketOf(digest(idOf(event)), buckets);\n';

const packs = (name: string, find: string, put: string): Sabotage => ({
  ...one(name, PACKS, find, put),
  unexplored: UNEXPLORED,
});

export const PACK_SABOTAGES: readonly Sabotage[] = [
  packs(
    'pack: keyed by its first event',
    BUCKET,
    '    const bucket = bucketOf(digest(idOf(events[0] ?? event)), buckets);\n',
  ),
  packs(
    'pack: keyed by its last event',
    BUCKET,
    '    const bucket = bucketOf(digest(idOf(events.at(-1) ?? event)), buckets);\n',
  ),
  packs(
    'pack: as many buckets as there are events',
    BUCKET,
    '    const some = Math.min(buckets, 2 ** Math.ceil(Math.log2(events.length + 1)));\n' +
      "    const bucket = bucketOf(digest(idOf(event)), some).padEnd(Math.log2(buckets), '0');\n",
  ),
  packs('pack: the last bits of the hash', '>>> (16 - bits))', '& (buckets - 1))'),
];
