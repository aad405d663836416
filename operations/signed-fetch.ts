// Signed requests to the API's admin routes, with the usual AWS credentials; a local stack takes any signature.
import { defaultProvider } from '@aws-sdk/credential-provider-node';
import { SignatureV4 } from '@smithy/signature-v4';
import { Sha256 } from '../lambdas/aws/sha256.ts';

const LOCAL_HOSTS: ReadonlySet<string> = new Set(['127.0.0.1', 'localhost', '[::1]']);
const REGION_IN_HOST = /\.execute-api\.([a-z0-9-]+)\.amazonaws\./;

/**
 * Sends a signed request.
 * @param url the whole URL; the region is read from its host, else from AWS_REGION
 */
export async function signedFetch(method: 'GET' | 'POST', url: URL): Promise<Response> {
  const local = LOCAL_HOSTS.has(url.hostname);
  const signer = new SignatureV4({
    service: 'execute-api',
    region: REGION_IN_HOST.exec(url.hostname)?.[1] ?? process.env['AWS_REGION'] ?? 'us-east-1',
    credentials: local ? { accessKeyId: 'local', secretAccessKey: 'local' } : defaultProvider(),
    sha256: Sha256,
  });
  const { headers } = await signer.sign({
    method,
    protocol: url.protocol,
    hostname: url.hostname,
    ...(url.port !== '' && { port: Number(url.port) }),
    path: url.pathname,
    query: Object.fromEntries(url.searchParams),
    headers: { host: url.host },
  });
  return fetch(url, { method, headers });
}
