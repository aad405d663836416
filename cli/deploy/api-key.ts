// An API key's value, which CloudFormation does not output.
import { defaultProvider } from '@aws-sdk/credential-provider-node';
import { SignatureV4 } from '@smithy/signature-v4';
import { Sha256 } from '../../lambdas/aws/sha256.ts';

/** Asks API Gateway for a key's value; undefined if it is not available. */
export async function apiKeyValue(id: string, region: string): Promise<string | undefined> {
  const endpoint = new URL(process.env['AWS_ENDPOINT_URL'] ?? `https://apigateway.${region}.amazonaws.com`);
  const url = new URL(`/apikeys/${id}?includeValue=true`, endpoint);
  const identity = { service: 'apigateway', region, credentials: defaultProvider() };
  const { protocol, hostname, host, pathname: path } = url;
  const { headers } = await new SignatureV4({ ...identity, sha256: Sha256 }).sign({
    ...{ method: 'GET', protocol, hostname, path, query: { includeValue: 'true' } },
    headers: { host, accept: 'application/json' },
  });
  const answer = await fetch(url, { headers });
  return answer.ok ? ((await answer.json()) as { value?: string }).value : undefined;
}
