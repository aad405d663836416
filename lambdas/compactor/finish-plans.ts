// Finishes planned epochs without planning more, for a recount, which needs every level at rest.
import { LEVELS } from '../core/level.ts';
import { DeltasMissing } from './epoch-rows.ts';
import { BlockChanged } from './merge-period.ts';
import type { CompactionReport, CompactorPorts } from './ports.ts';
import { runEpoch } from './run-epoch.ts';

/** Finishes the plans in progress. @returns why one cannot be finished: its deltas are missing; undefined when all are done */
export async function finishPlans(ports: CompactorPorts): Promise<string | undefined> {
  const epochs = { hours: 0, days: 0, months: 0, all: 0 };
  const report: CompactionReport = { epochs, blocks: 0, writeUnits: 0, open: 0, unfinished: false };
  for (const level of LEVELS) {
    for (;;) {
      const state = await ports.state.readState();
      if (state[level].plan === undefined) break;
      try {
        await runEpoch(state, level, ports, () => true, report);
      } catch (error) {
        const isRetried = error instanceof BlockChanged;
        if (!isRetried && !(error instanceof DeltasMissing)) throw error;
        // Another compactor may have finished the epoch meanwhile.
        const { epoch } = (await ports.state.readState())[level];
        if (!isRetried && epoch === state[level].epoch) return error.message;
      }
    }
  }
  return undefined;
}
