// The client of Systems Manager, for parameters.
import { SSMClient, type SSMClientConfig } from '@aws-sdk/client-ssm';
import { requestHandler } from './connections.ts';

export function ssm(config: SSMClientConfig = {}): SSMClient {
  return new SSMClient({ requestHandler: requestHandler(), ...config });
}
