// Records and messages as Lambda delivers them, decoded by the pipeline's own code.
import type { StoredMessage } from '../../../fake-aws/queue.ts';
import type { StoredRecord } from '../../../fake-aws/stream.ts';
import { HISTORY_ATTRIBUTE } from '../../../lambdas/aws/rollup-queue.ts';
import { decodeRecord } from '../../../lambdas/core/event.ts';
import { parseSequenceNumber } from '../../../lambdas/core/identifiers.ts';
import { parseHistory } from '../../../lambdas/core/message-history.ts';
import type { StreamRecord } from '../../../lambdas/core/segment.ts';
import type { DeliveredMessage } from '../../../lambdas/dead-letter-ports.ts';
import { valueIn } from '../value-in.ts';

const decoded = new WeakMap<StoredRecord, StreamRecord>();

/** A stored record as Lambda delivers it; decoded once, since records are delivered again and again. */
export function deliveredRecord(record: StoredRecord): StreamRecord {
  return valueIn(decoded, record, () => {
    const { arrivalMs, data } = record;
    const sequenceNumber = parseSequenceNumber(record.sequenceNumber);
    return { sequenceNumber, arrivalMs, data, ...decodeRecord(data, arrivalMs) };
  });
}

/** A received message as Lambda delivers it. */
export function deliveredMessage(message: StoredMessage): DeliveredMessage {
  const { messageId, receipt, body, receiveCount, attributes } = message;
  const history = parseHistory(attributes?.[HISTORY_ATTRIBUTE]?.StringValue);
  return { messageId, receiptHandle: receipt, body, receiveCount, history };
}
