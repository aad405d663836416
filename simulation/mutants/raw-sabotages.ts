// The sabotages of the archive of raw records.
import { one, type Sabotage } from './sabotage.ts';

const AGGREGATE = 'lambdas/aggregator/aggregate.ts';
const RAW_SEGMENT = 'lambdas/counting/raw-segment.ts';
const ADAPTER = 'lambdas/aws/raw-archive.ts';
const REBUILD = 'lambdas/rebuild/rebuild.ts';
const RAW_LOG = 'lambdas/rebuild/raw-log.ts';
const KEEP = '  if (raw !== undefined) await rawArchive?.keepRaw(raw);\n';
const SEND = '  await queue.send(output.parts.map(({ message }) => message));\n';

/** Small worlds archive nothing: whether they do changes no interleaving of theirs. */
const unexplored = 'small worlds do not archive raw records';

const SIMULATED: readonly Sabotage[] = [
  {
    name: 'raw object after the entry',
    edits: [
      { file: AGGREGATE, find: KEEP, put: '' },
      { file: AGGREGATE, find: SEND, put: `${KEEP}${SEND}` },
    ],
  },
  one(
    'raw object without its last record',
    RAW_SEGMENT,
    'const lines = records.map(',
    'const lines = records.slice(0, -1).map(',
  ),
  one(
    'a segment of two hours found by one of them',
    RAW_SEGMENT,
    'markers: further.map(',
    'markers: further.slice(1).map(',
  ),
  one(
    'a rebuild without the newest segment of a shard',
    REBUILD,
    'archived.places.slice(from)',
    'archived.places.slice(from, -1)',
  ),
].map((sabotage) => ({ ...sabotage, unexplored }));

export const RAW_SABOTAGES: readonly Sabotage[] = [
  ...SIMULATED,
  {
    ...one(
      'rebuild: goes on behind a segment that was planned when it was killed',
      RAW_LOG,
      "return head.status === 'planned'",
      'return head.segment === 0',
    ),
    tests: ['test/contract/rebuild.test.ts'],
    unexplored,
  },
  {
    ...one(
      'adapter: a missing raw object taken for a failure',
      ADAPTER,
      'if (error instanceof NoSuchKey) return undefined;',
      '',
    ),
    tests: ['test/contract/raw-archive.test.ts'],
  },
  {
    ...one(
      'adapter: another segment in the raw object not noticed',
      ADAPTER,
      'if (raw.segment !== place.segment)',
      'if (raw.segment.length === 0)',
    ),
    tests: ['test/contract/raw-archive.test.ts'],
  },
];
