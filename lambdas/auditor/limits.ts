// What bounds an audit: the memory that a step takes, and how much one audit may set aside.
import { AUDIT_PARTITIONS } from '../counting/audit-rows.ts';

/** What bounds the memory that an audit takes. */
export interface AuditLimits {
  /** Among how many partitions items are spread. */
  readonly partitions: number;
  /** Bytes of lines after which a step sets them aside; one segment's more is possible. */
  readonly spillBytes: number;
  /** Bytes of lines that are compared together; one partition's more is possible. */
  readonly compareBytes: number;
  /** Items that are read in one request, between two looks at the time: DynamoDB gives at most 100. */
  readonly itemsAtOnce: number;
  /** Bytes of lines of a whole audit, so that its partitions stay far below `compareBytes`. */
  readonly scratchBytes: number;
}

/**
 * Limits for a function of 1 GB and more. 8,192 partitions of 8 GiB of lines are 1 MiB each, an eighth of what is compared
 * together; 8 GiB are about 80 million rows.
 */
export const AUDIT_LIMITS: AuditLimits = {
  partitions: AUDIT_PARTITIONS,
  spillBytes: 16 * 1024 ** 2,
  compareBytes: 8 * 1024 ** 2,
  itemsAtOnce: 100,
  scratchBytes: 8 * 1024 ** 3,
};
