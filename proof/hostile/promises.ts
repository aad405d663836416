// What every answer must keep: no server error, JSON with a message, and its declared length.
import { fieldsOf, jsonIn } from '../../lambdas/core/json.ts';
import type { Exchange, RawAnswer } from './exchange.ts';
import type { HostileRequest } from './requests.ts';

/** Problems with what came back; empty if there are none. */
export function brokenPromises(
  { verb, mayBeUnanswered }: HostileRequest,
  { answers, rest, timedOut }: Exchange,
): string[] {
  if (timedOut) return ['no end: neither an answer nor a closed connection'];
  const broken = answers.flatMap((answer, index) => brokenBy(answer, verb === 'HEAD' && index === 0));
  if (answers.length === 0 && !mayBeUnanswered) broken.push('closed without an answer');
  if (rest.length > 0) broken.push(`${rest.length} bytes after the last answer`);
  return broken;
}

function brokenBy({ status, headers, body }: RawAnswer, bodyless: boolean): string[] {
  const broken: string[] = [];
  if (status >= 500) broken.push(`status ${status}: ${body.subarray(0, 200)}`);
  const connection = headers.get('set-cookie') ?? headers.get('x');
  if (connection !== undefined) broken.push('a header of the client came back as ours');
  if (bodyless || status === 204) return broken;
  if (headers.get('content-length') !== String(body.length)) {
    broken.push(`status ${status}: content-length ${headers.get('content-length')} for ${body.length} bytes`);
  }
  // A request for the root gets the console's page, which has its own type.
  if (status === 200 && /^text\/html\b/.test(headers.get('content-type') ?? '')) {
    return body.toString('utf8').startsWith('<!doctype html>') ? broken : [...broken, 'HTML that is no page'];
  }
  if (!/^application\/json\b/.test(headers.get('content-type') ?? '')) {
    broken.push(`status ${status}: content-type ${headers.get('content-type')}`);
  }
  const value = fieldsOf(jsonIn(body.toString('utf8')));
  if (value === undefined)
    broken.push(`status ${status}: the body is no JSON object: ${body.subarray(0, 100)}`);
  else if (status >= 400 && !isMessage(value['message'])) broken.push(`status ${status}: no message`);
  return broken;
}

/** A message is a sentence or a few words, and never the client's own megabytes. */
function isMessage(value: unknown): boolean {
  return typeof value === 'string' && value.length >= 5 && value.length <= 2_000;
}
