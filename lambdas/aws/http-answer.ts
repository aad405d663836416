// An HTTP answer as API Gateway's Lambda proxy takes it.

/** An answer with a JSON body. */
export interface HttpAnswer {
  readonly statusCode: number;
  readonly headers: Record<string, string>;
  readonly body: string;
}

// Node has it, the type library does not know it yet.
const { rawJSON } = JSON as unknown as { rawJSON(text: string): unknown };

/**
 * An answer whose body is `value` as JSON. Bigints are written digit by digit, since a count may outgrow a double.
 * @param origin the origin that browsers may read the answer from; undefined: none but the API's own
 */
export function jsonAnswer(statusCode: number, value: unknown, origin?: string): HttpAnswer {
  const headers: Record<string, string> = { 'content-type': 'application/json', 'cache-control': 'no-store' };
  if (origin !== undefined) headers['access-control-allow-origin'] = origin;
  const body = JSON.stringify(value, (_, field) =>
    typeof field === 'bigint' ? rawJSON(String(field)) : field,
  );
  return { statusCode, headers, body };
}
