// The console function: the page at the API's root, and its files.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { APIGatewayProxyEvent, APIGatewayProxyResult } from 'aws-lambda';
import { text } from '../aws/environment.ts';
import { headerIn } from '../aws/http-answer.ts';
import { type ConsoleFiles, serve } from './serve.ts';

const { env } = process;
const files = JSON.parse(
  readFileSync(join(text(env, 'LAMBDA_TASK_ROOT'), text(env, 'CONSOLE_FILE')), 'utf8'),
) as ConsoleFiles;
const apiKeys = env['API_KEYS'] === 'true';
const local = env['LOCAL'] === 'true';

export async function handler(event: APIGatewayProxyEvent): Promise<APIGatewayProxyResult> {
  const { path } = event.requestContext;
  return serve(
    files,
    { file: event.pathParameters?.['file'], ifNoneMatch: headerIn(event.headers, 'if-none-match') },
    { base: path.replace(/\/(console\/[^/]*)?$/, ''), apiKeys, local },
  );
}
