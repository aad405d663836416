// The sabotages of the archive of raw records.
import { one, type Sabotage } from './sabotage.ts';

const RAW_SEGMENT = 'lambdas/core/raw-segment.ts';
const ADAPTER = 'lambdas/aws/raw-archive.ts';

/** Small worlds archive nothing: whether they do changes no interleaving of theirs. */
const unexplored = 'small worlds do not archive raw records';

const SIMULATED: readonly Sabotage[] = [
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
].map((sabotage) => ({ ...sabotage, unexplored }));

export const RAW_SABOTAGES: readonly Sabotage[] = [
  ...SIMULATED,
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
