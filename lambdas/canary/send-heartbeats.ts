// The canary's first task: a known event on every open shard, which is also the shard's heartbeat.
import { type Heartbeat, minuteHeartbeats, minuteStartMs } from '../core/canary.ts';
import type { HeartbeatStream, Pause } from '../ports.ts';

export interface HeartbeatPorts {
  readonly stream: HeartbeatStream;
  readonly pause: Pause;
}

/** Attempts to put a record, and the first pause between them; each later pause is twice as long. */
const PUT_TRIES = 6;
const FIRST_PAUSE_MS = 250;

/** The stream has no open shard, or did not accept every record. The next minute sends its own. */
export class HeartbeatsNotSent extends Error {
  override readonly name = 'HeartbeatsNotSent';
}

/**
 * Sends the minute's events; repeatable within the minute.
 * @param nowMs the time, epoch milliseconds
 * @returns how many events were sent
 * @throws HeartbeatsNotSent when the stream did not accept them all; the minute then has no expectation
 */
export async function sendHeartbeats(nowMs: number, { stream, pause }: HeartbeatPorts): Promise<number> {
  const [first, ...others] = await stream.openShards();
  if (first === undefined) throw new HeartbeatsNotSent('the stream has no open shard');
  const { shares, expectation } = minuteHeartbeats(minuteStartMs(nowMs), [first, ...others]);
  const putAll = async (heartbeats: readonly Heartbeat[]) => {
    let missing = await stream.put(heartbeats);
    for (let tries = 1; missing.length > 0; tries += 1) {
      if (tries === PUT_TRIES) {
        const ids = missing.map(({ id }) => id).join(', ');
        throw new HeartbeatsNotSent(`the stream did not accept ${ids}`);
      }
      await pause(FIRST_PAUSE_MS * 2 ** (tries - 1));
      missing = await stream.put(missing);
    }
  };
  await putAll(shares);
  await putAll([expectation]);
  return shares.length + 1;
}
