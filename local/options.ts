// The command line of `npm start`.
import { parseArgs } from 'node:util';
import { LocalStackError } from './errors.ts';
import { isObject, type Json, type JsonObject } from './json.ts';

/** What `npm start` is asked for. */
export interface StartOptions {
  /** Undefined: 8787, or the next free one. */
  readonly port: number | undefined;
  readonly dataDir: string | undefined;
  readonly logs: string | undefined;
  /** Settings of the stage, laid over those of the local one. */
  readonly settings: JsonObject;
  readonly demo: boolean;
  readonly help: boolean;
}

/** Port of the API unless another is asked for. */
export const portDefault = 8787;

/** What --help prints. */
export const helpText = `Runs Tally on this machine, on embedded emulators.

  npm start -- [options]

  --port PORT   port of the API (default: ${portDefault}, or the next free one)
  --data DIR    keep data in DIR: it survives restarts (default: in memory)
  --no-demo     no demo traffic (there is none with --data either)
  --settings J  settings of the stage as JSON, such as '{"archiveRawEvents":true}' (lib/configuration.ts lists them)
  --logs FILE   append what functions log, and their metrics, to FILE
  --help        this text

With --data, values in DIR/parameters.json go before those of the template, also while the stack runs:
  {"/tally/local/retries": {"attempts": 5}}
Ctrl-C stops; a second one stops at once.`;

/** Reads the command line. @throws LocalStackError that says what is wrong with it */
export function readStartOptions(args: readonly string[]): StartOptions {
  const { values } = parse(args);
  if (values.data === '') throw new LocalStackError('--data takes a folder, such as --data ./tally-data.');
  return {
    port: readPort(values.port),
    dataDir: values.data,
    logs: values.logs,
    settings: readSettings(values.settings),
    demo: values['no-demo'] !== true && values.data === undefined,
    help: values.help === true,
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        port: { type: 'string' },
        data: { type: 'string' },
        logs: { type: 'string' },
        settings: { type: 'string' },
        'no-demo': { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    });
  } catch (error) {
    // Node explains unknown options well; only its advice about "--" is of no use here.
    const [reason] = (error instanceof Error ? error.message : String(error)).split('. ');
    throw new LocalStackError(`${reason}. See npm start -- --help`);
  }
}

function readSettings(text = '{}'): JsonObject {
  const settings = parseJson(text);
  if (isObject(settings)) return settings;
  throw new LocalStackError(
    `--settings takes a JSON object, such as '{"archiveRawEvents":true}', not "${text}".`,
  );
}

function parseJson(text: string): Json | undefined {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return undefined;
  }
}

function readPort(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const port = Number(text);
  if (!/^\d+$/.test(text) || port > 65_535) {
    throw new LocalStackError(`--port takes a number from 0 (any free port) to 65535, not "${text}".`);
  }
  return port;
}
