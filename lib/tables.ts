// The two tables: the counters, and the ledger that makes counting exact.
import { RemovalPolicy } from 'aws-cdk-lib';
import { AttributeType, BillingMode, ProjectionType, Table, type TableProps } from 'aws-cdk-lib/aws-dynamodb';
import { Construct } from 'constructs';
import type { Configuration } from './configuration.ts';

/** Both tables have `pk` and `sk`, and drop what has passed its `expiresAt`. */
export class Tables extends Construct {
  readonly counters: Table;
  readonly ledger: Table;

  constructor(scope: Construct, id: string, c: Configuration) {
    super(scope, id);
    this.counters = new Table(this, 'Counters', shape);
    if (c.topOpenHourIndex) addOpenHourIndex(this.counters);
    this.ledger = new Table(this, 'Ledger', shape);
  }
}

/** The index in which items of open hours stand by their count; the writer says which (lambdas/counting/open-hour.ts). */
export const OPEN_HOUR_INDEX = 'open-hour';

/** What writer, redriver and query are told of the index: nothing where there is none, so that all is as without it. */
export function openHourEnvironment(c: Configuration): Record<string, string> {
  return c.topOpenHourIndex ? { OPEN_HOUR_INDEX } : {};
}

function addOpenHourIndex(counters: Table): void {
  counters.addGlobalSecondaryIndex({
    indexName: OPEN_HOUR_INDEX,
    partitionKey: { name: 'openHour', type: AttributeType.STRING },
    sortKey: { name: 'n', type: AttributeType.NUMBER },
    projectionType: ProjectionType.KEYS_ONLY,
  });
}

// `Table`, not `TableV2`: a global table's resource type is one that fewer tools can read.
const shape: TableProps = {
  partitionKey: { name: 'pk', type: AttributeType.STRING },
  sortKey: { name: 'sk', type: AttributeType.STRING },
  timeToLiveAttribute: 'expiresAt',
  pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
  billingMode: BillingMode.PAY_PER_REQUEST,
  removalPolicy: RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
  deletionProtection: true,
};
