// The console: a page at the API's root, and the files it loads, served by a small function.
import type { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import { Construct } from 'constructs';
import { LOCAL_STAGE } from './configuration.ts';
import { consoleFiles, LOCAL_CONSOLE_FILE, writeLocalConsole } from './console-files.ts';
import type { FrontDoor } from './front-door.ts';
import { HandlerFunction, type Surroundings } from './handler-function.ts';

/** What the console stands behind. */
export interface ConsoleProps extends Surroundings {
  readonly frontDoor: FrontDoor;
}

const FILE = 'console.json';

/** `GET /` and `GET /console/{file}`, without an API key: the page asks for one itself. */
export class Console extends Construct {
  readonly function: LambdaFunction;

  constructor(scope: Construct, id: string, props: ConsoleProps) {
    super(scope, id);
    const { configuration: c, code, frontDoor } = props;
    if (code === 'source') writeLocalConsole();
    const handler = new HandlerFunction(this, 'Console', props, {
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
      withoutDestination: 'Only the front door invokes it, synchronously.',
    });
    this.function = handler.function;
    frontDoor.addOpenRead('', handler.function);
    frontDoor.addOpenRead('console/{file}', handler.function);
  }
}
