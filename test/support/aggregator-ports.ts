// An aggregator's ports on a ledger in memory, with a stream that holds nothing but what a test delivers.
import assert from 'node:assert/strict';
import type { AggregatorPorts } from '../../lambdas/aggregator/aggregate.ts';
import { SILENT } from '../../lambdas/aggregator/segment-listener.ts';
import { DedupWindows } from '../../lambdas/aggregator/windows.ts';
import type { RollupMessage } from '../../lambdas/core/rollup-message.ts';

/** @param sent collects the messages that are sent */
export function aggregatorPorts(
  parts: Pick<AggregatorPorts, 'ledger' | 'ranges' | 'clock'>,
  sent: RollupMessage[],
  different: Partial<AggregatorPorts> = {},
): AggregatorPorts {
  return {
    ...parts,
    log: {
      readRange: async () => assert.fail('no segment needs recovery'),
      holds: async () => assert.fail('no record is over a day old'),
      async *readToEnd() {},
      parentsOf: async () => [],
      lists: async () => true,
    },
    queue: { send: async (messages) => void sent.push(...messages) },
    rejected: { keepRejected: async () => {} },
    windows: new DedupWindows(),
    listener: SILENT,
    ...different,
  };
}
