// The two tables: the counts, and the ledger that makes counting exact.
import { RemovalPolicy } from 'aws-cdk-lib';
import { AttributeType, BillingMode, Table, type TableProps } from 'aws-cdk-lib/aws-dynamodb';
import { Construct } from 'constructs';

/** Both tables have `pk` and `sk`, and items expire by `expiresAt`. */
export class Tables extends Construct {
  readonly counts: Table;
  readonly ledger: Table;

  constructor(scope: Construct, id: string) {
    super(scope, id);
    this.counts = new Table(this, 'Counters', shape);
    this.ledger = new Table(this, 'Ledger', shape);
  }
}

// `Table`, not `TableV2`: fewer tools support the resource type of global tables.
const shape: TableProps = {
  partitionKey: { name: 'pk', type: AttributeType.STRING },
  sortKey: { name: 'sk', type: AttributeType.STRING },
  timeToLiveAttribute: 'expiresAt',
  pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
  billingMode: BillingMode.PAY_PER_REQUEST,
  removalPolicy: RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
  deletionProtection: true,
};
