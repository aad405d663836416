// The probe: redrive writes one dead letter itself, with the writer's own use case, to see whether the tables take writes.
import type { LevelRetentionsMs } from '../core/watermark.ts';
import type { DeliveredMessage } from '../dead-letter-ports.ts';
import type { DeltaWriter } from '../store/ports.ts';
import { type WriterPorts, writeRollups } from '../writer/write.ts';

export type ProbePorts = Omit<WriterPorts, 'failed' | 'random'>;

/** The result of a probe: the dead letter is counted, or the reason why not, or time ran out and the result is unknown. */
type ProbeOutcome = 'written' | 'no-time' | { readonly failure: string };

/** Low, to be gentle with a table that has just recovered; one failure ends the probe. */
const CONCURRENCY = 8;

/**
 * Stores a dead letter's deltas and acknowledges them. Stored deltas stay unchanged, so after a crash at any point the
 * dead letter can be returned, parked or written again.
 */
export async function probe(
  message: DeliveredMessage,
  ports: ProbePorts,
  retentions: LevelRetentionsMs,
  hasTime: () => boolean,
): Promise<ProbeOutcome> {
  let failed = false;
  const deltas: DeltaWriter = {
    putDelta: async (delta) => {
      try {
        return await ports.deltas.putDelta(delta);
      } catch (error) {
        failed = true;
        throw error;
      }
    },
  };
  // A probe is not an attempt by the writer: on failure, the dead letter stays where it is until redrive has decided.
  const failing = { delay: async () => {}, bury: async () => {} };
  const { retry, report } = await writeRollups(
    [{ ...message, receiveCount: 0 }],
    { ...ports, deltas, failed: failing, random: () => 0 },
    { retentions, concurrency: CONCURRENCY },
    () => !failed && hasTime(),
  );
  if (retry.length === 0) return 'written';
  const [failure] = report.failures;
  return failure === undefined ? 'no-time' : { failure };
}
