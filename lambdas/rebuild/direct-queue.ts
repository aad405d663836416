// A rollup queue without a queue: what the aggregator sends is written at once, by the writer's own use case.
import { DEFAULT_RETRY_POLICY } from '../counting/retry-policy.ts';
import type { RollupMessage } from '../counting/rollup-message.ts';
import type { DeliveredMessage } from '../dead-letter-ports.ts';
import type { Pause, RollupQueue } from '../ports.ts';
import { type WriterPorts, type WriterSettings, writeRollups } from '../writer/write.ts';

/** Rows could not be written, again and again. Nothing is lost: the segment is planned, and is finished by whoever goes on. */
export class RowsNotWritten extends Error {
  override readonly name = 'RowsNotWritten';
}

/** How often a message is tried, and how long is waited after the first time; doubled after each. */
const ATTEMPTS = 8;
const BACKOFF_MS = 200;

const always = () => true;

/** A queue that writes. */
export function directQueue(
  ports: Pick<WriterPorts, 'counters' | 'ledger' | 'clock' | 'random'>,
  settings: WriterSettings,
  pause: Pause,
): RollupQueue {
  const writer: WriterPorts = {
    ...ports,
    // Items of a rebuilt table do not expire, so nothing comes too late.
    expired: { keepExpired: async () => {} },
    failed: {
      delay: async () => {},
      bury: () => Promise.reject(new RowsNotWritten('there is no dead-letter queue here')),
    },
    // It is this queue that counts the attempts.
    retryPolicy: { current: async () => ({ ...DEFAULT_RETRY_POLICY, attempts: ATTEMPTS }) },
  };
  return {
    async send(messages) {
      let open = messages.map(delivered);
      for (let attempt = 1; open.length > 0; attempt += 1) {
        const { retry, report } = await writeRollups(open, writer, settings, always);
        open = open.filter(({ messageId }) => retry.includes(messageId));
        if (open.length > 0 && attempt === ATTEMPTS)
          throw new RowsNotWritten(`rows could not be written: ${report.failures[0]}`);
        if (open.length > 0) await pause(BACKOFF_MS * 2 ** (attempt - 1));
      }
    },
  };
}

function delivered({ segment, part, body }: RollupMessage): DeliveredMessage {
  const messageId = `${segment}/${part}`;
  return { messageId, receiptHandle: messageId, body, receiveCount: 1, history: undefined };
}
