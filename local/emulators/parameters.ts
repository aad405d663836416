// SSM parameters: the template's values, which a JSON file can override while the stack runs.
import { readFile, rename, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';
import { asObject, asText, isObject, type JsonObject, parseJson } from '../json.ts';
import { listen } from '../listening.ts';

/**
 * Serves GetParameter and PutParameter. The file contains `{ name: value }`, is read at every request, and takes
 * precedence over the template; values may be text, or JSON that is returned as text.
 */
export async function startParameters(templateValues: ReadonlyMap<string, string>, file: string | undefined) {
  const values = new Map(templateValues);
  let overrides: JsonObject = {};

  const currentValue = async (name: string): Promise<string | undefined> => {
    if (file !== undefined) overrides = (await readOverrides(file)) ?? overrides;
    const override = overrides[name];
    if (override !== undefined) return asText(override) ?? JSON.stringify(override);
    return values.get(name);
  };

  /** Answers by action; one with a type is an error. */
  const actions: Record<string, (name: string, value: string) => Promise<JsonObject>> = {
    GetParameter: async (Name) => {
      const Value = await currentValue(Name);
      if (Value === undefined) return { __type: 'ParameterNotFound', message: Name };
      return { Parameter: { Name, Type: 'String', Value, Version: 1, DataType: 'text' } };
    },
    PutParameter: async (name, value) => {
      if (file === undefined) values.set(name, value);
      else await writeOverride(file, name, value);
      return { Version: 1, Tier: 'Standard' };
    },
  };

  const server = createServer(async (incoming, outgoing) => {
    // An aborted request needs no answer.
    const body = await text(incoming).catch(() => undefined);
    if (body === undefined) return;
    const action = String(incoming.headers['x-amz-target'] ?? '').replace('AmazonSSM.', '');
    const { Name, Value } = asObject(parseJson(body));
    const answer = (await actions[action]?.(asText(Name) ?? '', asText(Value) ?? '')) ?? {
      __type: 'UnknownOperationException',
      message: `The local stack has no SSM ${action}.`,
    };
    outgoing
      .writeHead('__type' in answer ? 400 : 200, { 'content-type': 'application/x-amz-json-1.1' })
      .end(JSON.stringify(answer));
  });
  return listen(server);
}

/** The file's values, none if there is no file; undefined while it is partly written: the last values then stay. */
async function readOverrides(file: string): Promise<JsonObject | undefined> {
  const values = parseJson(await readFile(file, 'utf8').catch(() => '{}'));
  return isObject(values) ? values : undefined;
}

async function writeOverride(file: string, name: string, value: string): Promise<void> {
  const overrides = { ...(await readOverrides(file)), [name]: parseJson(value) ?? value };
  await writeFile(`${file}.new`, `${JSON.stringify(overrides, null, 2)}\n`);
  await rename(`${file}.new`, file);
}
