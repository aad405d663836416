// Signed requests to the API's admin routes, with the usual AWS credentials; a local stack takes any signature.
import { createHash, createHmac, type Hash, type Hmac } from 'node:crypto';
import { defaultProvider } from '@aws-sdk/credential-provider-node';
import { SignatureV4 } from '@smithy/signature-v4';

/** SHA-256, or its HMAC with a secret, as the signer asks for it. */
class Sha256 {
  readonly #hash: Hash | Hmac;

  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    this.#hash = secret === undefined ? createHash('sha256') : createHmac('sha256', asBytes(secret));
  }

  update(data: string | ArrayBuffer | ArrayBufferView): void {
    this.#hash.update(asBytes(data));
  }

  async digest(): Promise<Uint8Array> {
    return this.#hash.digest();
  }

  reset(): void {}
}

function asBytes(data: string | ArrayBuffer | ArrayBufferView): Buffer {
  if (typeof data === 'string') return Buffer.from(data);
  return ArrayBuffer.isView(data)
    ? Buffer.from(data.buffer, data.byteOffset, data.byteLength)
    : Buffer.from(data);
}

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
