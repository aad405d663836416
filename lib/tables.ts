// The two tables: the counters, and the ledger that makes counting exact.
import { RemovalPolicy } from 'aws-cdk-lib';
import { AttributeType, BillingMode, Table, type TableProps } from 'aws-cdk-lib/aws-dynamodb';
import { Construct } from 'constructs';
import type { Configuration } from './configuration.ts';

/** Both tables have `pk` and `sk`, and drop what has passed its `expiresAt`. */
export class Tables extends Construct {
  readonly counters: Table;
  readonly ledger: Table;

  constructor(scope: Construct, id: string, c: Configuration) {
    super(scope, id);
    this.counters = new Table(this, 'Counters', {
      ...shape,
      ...capacity(c, c.counterReadUnits, c.counterWriteUnits),
    });
    this.ledger = new Table(this, 'Ledger', {
      ...shape,
      ...capacity(c, c.ledgerReadUnits, c.ledgerWriteUnits),
    });
  }
}

// `Table`, not `TableV2`: a global table's resource type is one that fewer tools can read.
const shape: TableProps = {
  partitionKey: { name: 'pk', type: AttributeType.STRING },
  sortKey: { name: 'sk', type: AttributeType.STRING },
  timeToLiveAttribute: 'expiresAt',
  pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
  removalPolicy: RemovalPolicy.RETAIN,
  deletionProtection: true,
};

function capacity(c: Configuration, readCapacity: number, writeCapacity: number): Partial<TableProps> {
  return c.tableMode === 'on-demand'
    ? { billingMode: BillingMode.PAY_PER_REQUEST }
    : { billingMode: BillingMode.PROVISIONED, readCapacity, writeCapacity };
}
