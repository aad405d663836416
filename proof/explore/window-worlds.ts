// Small worlds of the dedup window: what a segment must know of earlier ones, in warm containers, over time, across shards.
import { records, SHORT_WINDOW, type SmallWorld, smallWorlds } from './small-world.ts';

export const WINDOW_WORLDS: readonly SmallWorld[] = smallWorlds(
  {
    name: 'an attempt that failed, recovered in the same warm container',
    shows: 'A container that remembers the ids of a failed attempt treats its own events as duplicates.',
    records: records('a:x', 'b:x'),
    aggregators: 3,
    errors: 1,
  },
  {
    name: 'two warm containers, one of them behind',
    shows: 'A window in memory that ends before the plan begins must be brought up to it.',
    records: records('a:x', 'b:x', 'b:x'),
    aggregators: 3,
    containers: 2,
    errors: 1,
  },
  {
    name: 'errors in a warm container, a chain of retries',
    shows: 'A warm container finds the duplicates that a cold one finds.',
    records: records('a:x', 'a:x', 'a:x'),
    aggregators: 3,
    errors: 2,
  },
  {
    name: 'a chain of retries that outlasts the window',
    shows: 'A duplicate that was dropped enters the window too: the next retry is late only for the first.',
    records: [
      { events: ['a:x'], atMs: 0 },
      { events: ['a:x'], atMs: 9_000 },
      { events: ['a:x'], atMs: 18_000 },
    ],
    aggregators: 3,
    crashes: 1,
    configs: [SHORT_WINDOW],
  },
  {
    name: 'arrivals step back',
    shows: 'A segment whose last record arrived early is not old: its first one may still be in the window.',
    records: [
      { events: ['a:x'], atMs: 12_000 },
      { events: ['b:x'], atMs: 0 },
      { events: ['a:x', 'b:x'], atMs: 13_000 },
    ],
    aggregators: 3,
    crashes: 1,
    configs: [SHORT_WINDOW],
  },
  {
    name: 'a recovery hours later',
    shows: 'The window is that of the plan: by the time of a late recovery its ids would be too old.',
    records: records('a:x', 'a:x'),
    aggregators: 3,
    crashes: 1,
    hours: 1,
  },
  {
    name: 'a split, a duplicate in the child, an early child',
    shows: 'A child knows the ids of its parent, and waits until the parent is read to its end.',
    records: [{ events: ['a:x'] }, { events: ['b:x'] }, { shard: 1, events: ['a:x'] }],
    reshards: [{ after: 2, split: 0 }],
    aggregators: 2,
    aggregatorsAtOnce: 2,
    crashes: 1,
  },
  {
    name: 'three generations, a split of a split',
    shows: 'A grandchild knows the ids of its grandparent.',
    records: [{ events: ['a:x'] }, { shard: 1, events: ['b:x'] }, { shard: 3, events: ['a:x', 'b:x'] }],
    reshards: [
      { after: 1, split: 0 },
      { after: 2, split: 1 },
    ],
    aggregators: 3,
    crashes: 1,
  },
  {
    name: 'three generations, split and merged, the middle one empty',
    shows: 'Shards that never held a record pass on what their parents knew.',
    records: [{ events: ['a:x'] }, { events: ['b:x'] }, { shard: 3, events: ['a:x'] }],
    reshards: [
      { after: 2, split: 0 },
      { after: 2, merge: [1, 2] },
    ],
    aggregators: 2,
    aggregatorsAtOnce: 2,
  },
);
