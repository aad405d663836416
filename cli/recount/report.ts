// A recount's findings in sentences, and the command's exit code.
import { LEVELS } from '../../lambdas/core/level.ts';
import type { Findings } from '../../lambdas/recount/ports.ts';
import { exitCodes } from '../shared/errors.ts';

/** Reasons that indicate an error, not only unavailable data. */
const WRONG: ReadonlySet<string> = new Set(['produced-differently', 'raw-differs', 'raw-missing']);

/** 0: equal, or all repaired. 1: differences. 3: the comparison is incomplete. @param left what was not counted again */
export function exitCodeOf(
  { differing, repaired, twice, unknown, restless, stuck }: Findings,
  left: readonly string[],
): number {
  const isWrong = differing > repaired || twice.length > 0 || stuck !== undefined;
  if (isWrong || unknown.some(({ reason }) => WRONG.has(reason))) return exitCodes.failed;
  // A lost segment without counted parts has added nothing.
  const isPart = unknown.some(({ fromMs, toMs }) => toMs > fromMs) || restless > 0 || left.length > 0;
  return isPart ? exitCodes.nothing : exitCodes.done;
}

/** The findings, one line each, or as one line of JSON. @param left what was not counted again */
export function reportOf(found: Findings, left: readonly string[], json = false): string {
  if (json) return JSON.stringify({ ...found, left });
  const { differences, differing, repaired, unknown, twice, figures, segments, events } = found;
  const lines = [...left, ...differences.map((one) => JSON.stringify(one))];
  if (differing > differences.length) lines.push(`… and ${differing - differences.length} more`);
  for (const { shard, segments: named } of twice)
    lines.push(
      `${shard} was counted twice: segments up to ${named.join(' and up to ')} have records in common`,
    );
  for (const { shard, first, last, reason } of unknown)
    lines.push(`segments ${first} to ${last} of shard ${shard} were not produced: ${reason}`);
  if (found.stuck !== undefined) lines.push(`compaction cannot continue: ${found.stuck}`);
  if (found.restless > 0)
    lines.push(`${found.restless} parts were not compared: compaction kept advancing; run it again`);
  const compared = LEVELS.map((level) => `${figures[level].compared} of ${level}`).join(', ');
  lines.push(
    `${segments} segments with ${events} events produced; compared: figures ${compared}, and ${found.deltas} deltas; ` +
      `${differing} differences, ${repaired} repaired`,
  );
  const sum = (of: 'partly' | 'unknown') => LEVELS.reduce((all, level) => all + figures[level][of], 0);
  if (sum('partly') > 0)
    lines.push(`${sum('partly')} figures cover more than the hours, and were not compared`);
  if (sum('unknown') > 0)
    lines.push(`${sum('unknown')} figures may include the segments named above, and were not compared`);
  return lines.join('\n');
}
