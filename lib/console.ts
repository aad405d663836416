// The console: a page at the API's root, and the files it loads, served by a small function.
import { LOCAL_STAGE } from './configuration.ts';
import { consoleFiles, LOCAL_CONSOLE_FILE, writeLocalConsole } from './console-files.ts';
import { CONSOLE_PATHS } from './front-door.ts';
import { HandlerFunction, type Platform } from './handler-function.ts';

const FILE = 'console.json';

/** `GET /` and `GET /console/{file}`, without an API key: the page asks for one itself. */
export function consolePage(platform: Platform): void {
  const { configuration: c, code, frontDoor } = platform;
  if (code === 'source') writeLocalConsole();
  const handler = new HandlerFunction(platform.stack, 'Console', platform, {
    noun: 'console',
    description: 'Serves the console.',
    timeoutSeconds: 10,
    memoryMb: 256,
    environment: {
      CONSOLE_FILE: code === 'source' ? LOCAL_CONSOLE_FILE : FILE,
      API_KEYS: String(c.apiKeys),
      LOCAL: String(c.stage === LOCAL_STAGE),
    },
    statements: [],
    files: () => [{ name: FILE, contents: Buffer.from(JSON.stringify(consoleFiles())) }],
  });
  for (const path of CONSOLE_PATHS) frontDoor.addRoute('public', path, handler.function);
}
