// What a rebuild tells people.

import { exitCodes } from '../../cli/shared/errors.ts';
import { rejectedEvents } from '../../lambdas/counting/accounts.ts';
import type { RebuildReport } from '../../lambdas/rebuild/rebuild.ts';

/** The report in sentences. */
export function sentences({ shards, played, skipped, records, comparison }: RebuildReport): string[] {
  const { segments, before, after, differing, differingOmitted } = comparison;
  const lines = [
    `Played ${played} segments with ${records} records of ${shards} shards; ${skipped} were there already.`,
    `Compared ${segments} segments.`,
    `  first table:   ${received(before)}`,
    `  rebuilt table: ${received(after)}`,
    ...differing.map((segment) => `segment ${segment} came out differently`),
  ];
  if (differingOmitted > 0) lines.push(`… and ${differingOmitted} more`);
  const told: readonly [number, string][] = [
    [comparison.notArchived, 'segments of the first table are not archived, and so not in the second'],
    [comparison.missing, 'archived segments are not in the second table'],
    [comparison.lost, 'segments were lost before they were counted: nobody has their records'],
    [comparison.recovered, 'segments that were lost had been archived just before, and are counted now'],
    [comparison.unknown, 'archived segments are too old for the first ledger: nothing to compare them with'],
  ];
  for (const [number, what] of told) if (number > 0) lines.push(`${number} ${what}`);
  return lines;
}

function received(accounts: RebuildReport['comparison']['before']): string {
  const { received: events, duplicate, emitted } = accounts;
  return `received ${events}, duplicate ${duplicate}, rejected ${rejectedEvents(accounts)}, counted ${emitted}`;
}

/** Whether everything came out as it was. */
export function exitCodeOf({ comparison }: RebuildReport): number {
  const { differing, notArchived, missing } = comparison;
  return differing.length + notArchived + missing === 0 ? exitCodes.done : exitCodes.failed;
}
