// The two tables: the counts, and the ledger that makes counting exact.
import { RemovalPolicy } from 'aws-cdk-lib';
import { AttributeType, BillingMode, Table, type TableProps } from 'aws-cdk-lib/aws-dynamodb';
import { Construct } from 'constructs';

/** Both tables have `pk` and `sk`, and items expire by `expiresAt`. */
export function tables(scope: Construct): { readonly counts: Table; readonly ledger: Table } {
  const both = new Construct(scope, 'Tables');
  return { counts: new Table(both, 'Counters', shape), ledger: new Table(both, 'Ledger', shape) };
}

// `Table`, not `TableV2`: fewer tools support the resource type of global tables.
const shape: TableProps = {
  partitionKey: { name: 'pk', type: AttributeType.STRING },
  sortKey: { name: 'sk', type: AttributeType.STRING },
  timeToLiveAttribute: 'expiresAt',
  pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
  billingMode: BillingMode.PAY_PER_REQUEST,
  deletionProtection: true,
  // Not RETAIN_ON_UPDATE_OR_DELETE: the rollback of a failed first deployment cannot delete what is protected.
  removalPolicy: RemovalPolicy.RETAIN,
};
