// An API key's value, which CloudFormation does not output.
import { defaultProvider } from '@aws-sdk/credential-provider-node';
import { SignatureV4 } from '@smithy/signature-v4';
import { Sha256 } from '../../lambdas/aws/sha256.ts';

/** Asks API Gateway for a key's value; undefined if it is not available. */
export async function apiKeyValue(id: string, region: string): Promise<string | undefined> {
  const endpoint = new URL(process.env['AWS_ENDPOINT_URL'] ?? `https://apigateway.${region}.amazonaws.com`);
  const url = new URL(`/apikeys/${id}?includeValue=true`, endpoint);
  const signer = new SignatureV4({
    service: 'apigateway',
    region,
    credentials: defaultProvider(),
    sha256: Sha256,
  });
  const { headers } = await signer.sign({
    method: 'GET',
    protocol: url.protocol,
    hostname: url.hostname,
    path: url.pathname,
    query: Object.fromEntries(url.searchParams),
    headers: { host: url.host, accept: 'application/json' },
  });
  const answer = await fetch(url, { headers });
  if (!answer.ok) return undefined;
  const { value } = (await answer.json()) as { value?: string };
  return value;
}
