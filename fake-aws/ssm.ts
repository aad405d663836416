// Parameters of Systems Manager in memory.
import {
  ParameterAlreadyExists,
  ParameterNotFound,
  type PutParameterRequest,
  SSMClient,
} from '@aws-sdk/client-ssm';
import type { Transport } from './call.ts';
import { makeClient, type Operations } from './client.ts';
import { onlyKnown, refused } from './errors.ts';

/** The parameters, and clients for them. */
export class FakeSsm {
  /** Values by name, for direct access. */
  readonly parameters = new Map<string, string>();
  readonly #operations: Operations = {
    GetParameter: ({ Name = '', ...rest }: { Name?: string }) => {
      onlyKnown('GetParameter', rest, '');
      const Value = this.parameters.get(Name);
      if (Value === undefined) throw new ParameterNotFound(refused(`Parameter ${Name} not found.`));
      return { Parameter: { Name, Value, Type: 'String' } };
    },
    PutParameter: (input: PutParameterRequest) => {
      onlyKnown('PutParameter', input, 'Name Value Type Overwrite');
      const { Name = '', Value = '', Overwrite = false } = input;
      if (this.parameters.has(Name) && !Overwrite) {
        throw new ParameterAlreadyExists(refused('The parameter already exists.'));
      }
      this.parameters.set(Name, Value);
      return { Version: 1 };
    },
  };

  /** A client whose calls go through a transport. */
  client(transport?: Transport): SSMClient {
    return makeClient(SSMClient.prototype, 'ssm', this.#operations, transport);
  }
}
