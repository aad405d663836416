// What writes to DynamoDB cost, in write units as the service itself reports them.
import type { ConsumedCapacity, DynamoDBClient } from '@aws-sdk/client-dynamodb';

const WRITES: ReadonlySet<string> = new Set(['PutItemCommand', 'UpdateItemCommand']);

/**
 * Asks every single-item write of a client for its price, and sums the answers by table. A write whose condition fails
 * costs units too, but the service does not say how many: those are only in the table's own `ConsumedWriteCapacityUnits`.
 */
export class WriteUnits {
  readonly #units = new Map<string, number>();

  constructor(client: DynamoDBClient) {
    client.middlewareStack.add(
      (next, { commandName }) =>
        async (request) => {
          if (!WRITES.has(commandName ?? '')) return next(request);
          const result = await next({
            ...request,
            input: { ...request.input, ReturnConsumedCapacity: 'TOTAL' },
          });
          this.#note(result.output);
          return result;
        },
      { step: 'initialize', name: 'writeUnits' },
    );
  }

  /** Units reported for a table since the last time it was asked about. */
  take(table: string): number {
    const units = this.#units.get(table) ?? 0;
    this.#units.delete(table);
    return units;
  }

  #note(output: object): void {
    if (!('ConsumedCapacity' in output)) return;
    const { TableName, CapacityUnits } = (output.ConsumedCapacity ?? {}) as ConsumedCapacity;
    if (TableName === undefined || CapacityUnits === undefined) return;
    this.#units.set(TableName, (this.#units.get(TableName) ?? 0) + CapacityUnits);
  }
}
