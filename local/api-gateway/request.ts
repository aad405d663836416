// One parsed request.
import type { IncomingMessage } from 'node:http';
import type { Json } from '../json.ts';
import type { GatewayContext } from './template-context.ts';

/** API Gateway's limit for a payload. */
export const bodyBytesMax = 10 * 1024 * 1024;

/** A request whose body has been read. */
export interface GatewayRequest extends Pick<IncomingMessage, 'headers' | 'rawHeaders'> {
  readonly query: URLSearchParams;
  readonly pathParameters: Record<string, string>;
  readonly body: string;
  /** The body as JSON, if it is valid. */
  readonly json: Json | undefined;
  readonly context: GatewayContext;
}

/** Reads a body. Stops at the limit and leaves the rest to the connection. */
export async function readBody(incoming: IncomingMessage): Promise<Buffer | 'too-large' | 'broken-off'> {
  if (Number(incoming.headers['content-length'] ?? 0) > bodyBytesMax) return 'too-large';
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of incoming.iterator({ destroyOnReturn: false })) {
      bytes += chunk.length;
      if (bytes > bodyBytesMax) return 'too-large';
      chunks.push(chunk);
    }
    return Buffer.concat(chunks);
  } catch {
    return 'broken-off';
  }
}

/** The media type of a Content-Type header, without its parameters; API Gateway's default without a header. */
export function mediaType(header: string | undefined): string {
  const type = (header ?? '').split(';')[0]?.trim().toLowerCase() ?? '';
  return type === '' ? 'application/json' : type;
}
