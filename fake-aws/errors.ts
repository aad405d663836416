// Errors as the services answer them.
import { DynamoDBServiceException } from '@aws-sdk/client-dynamodb';

/** DynamoDB refuses a request that no condition or retry could save. */
export function validationError(message: string): DynamoDBServiceException {
  return new DynamoDBServiceException({
    name: 'ValidationException',
    $fault: 'client',
    message,
    $metadata: { httpStatusCode: 400 },
  });
}

/** What an exception of the SDK is made of. */
export const refused = (message: string, httpStatusCode = 400) => ({
  message,
  $metadata: { httpStatusCode },
});

/** A request that AWS may understand and this does not: nothing here sent it when this was written. */
export class NotSimulated extends Error {
  override readonly name = 'NotSimulated';

  constructor(what: string) {
    super(`fake-aws has no ${what}: add it, with a test in test/contract/services`);
  }
}

/** Refuses parameters of a request that nothing here acts upon, so that none is silently ignored. */
export function onlyKnown(operation: string, input: object, known: ReadonlySet<string>): void {
  for (const name in input) {
    if (!known.has(name) && input[name as keyof typeof input] !== undefined)
      throw new NotSimulated(`${operation} with ${name}`);
  }
}
