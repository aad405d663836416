// The console function: the page at the API's root, and its files.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { APIGatewayProxyEvent, APIGatewayProxyResult } from 'aws-lambda';
import { text } from '../aws/environment.ts';
import { headerIn, jsonAnswer, taggedAnswer } from '../aws/http-answer.ts';

interface ConsoleFile {
  readonly name: string;
  /** Its content type. */
  readonly type: string;
  readonly text: string;
}

const { env } = process;
const path = join(text(env, 'LAMBDA_TASK_ROOT'), text(env, 'CONSOLE_FILE'));
/** The page and the files it loads, whose names change with their content. */
const { page, files }: { page: ConsoleFile; files: ConsoleFile[] } = JSON.parse(readFileSync(path, 'utf8'));
const pageText = page.text
  .replace('{{keys}}', text(env, 'API_KEYS'))
  // The local stack has switches.
  .replace('{{local}}', text(env, 'LOCAL'));

const SECURITY = {
  // Allows nothing from other origins, nothing inline, no frame, no form.
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data: blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
};

export async function handler(event: APIGatewayProxyEvent): Promise<APIGatewayProxyResult> {
  const name = event.pathParameters?.['file'];
  const file =
    name === undefined ? pageAt(event.requestContext.path) : files.find((one) => one.name === name);
  const kept = name === undefined ? 'no-cache' : 'public, max-age=31536000, immutable';
  const answer =
    file === undefined
      ? jsonAnswer(404, { message: 'The console has no such file: load the page again.' })
      : taggedAnswer(
          file.text,
          { 'content-type': file.type, 'cache-control': kept },
          headerIn(event.headers, 'if-none-match'),
        );
  return { ...answer, headers: { ...SECURITY, ...answer.headers } };
}

/** The page below the path of a request for it, such as `/prod/`: a stage at API Gateway's own address, or a domain's mapping. */
function pageAt(path: string): ConsoleFile {
  const base = path.replace(/\/$/, '');
  // It is inserted into the page, so validate it.
  return { ...page, text: pageText.replaceAll('{{base}}', /^[\w/.~-]*$/.test(base) ? base : '') };
}
