// Errors in the services' format.
import { DynamoDBServiceException } from '@aws-sdk/client-dynamodb';

/** DynamoDB rejects the request itself: no condition or retry could help. */
export function validationError(message: string): DynamoDBServiceException {
  return new DynamoDBServiceException({
    name: 'ValidationException',
    $fault: 'client',
    message,
    $metadata: { httpStatusCode: 400 },
  });
}

/** The fields of an SDK exception. */
export const refused = (message: string, httpStatusCode = 400) => ({
  message,
  $metadata: { httpStatusCode },
});

/** A request that AWS may support and this fake does not. */
export class NotSimulated extends Error {
  override readonly name = 'NotSimulated';

  constructor(what: string) {
    super(`fake-aws has no ${what}: add it, with a test in test/contract/services`);
  }
}

/** Refuses parameters that this fake does not implement, so that none is silently ignored. @param known `One Other` */
export function onlyKnown(operation: string, input: object, known: string): void {
  const names = known.split(' ');
  for (const name in input) {
    if (!names.includes(name) && input[name as keyof typeof input] !== undefined)
      throw new NotSimulated(`${operation} with ${name}`);
  }
}
