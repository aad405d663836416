// SSM parameters: the template's values, which a JSON file can override while the stack runs.
import { readFile, rename, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';
import { asObject, asText, isObject, type Json, type JsonObject, parseJson } from '../json.ts';
import { type Listening, listen } from '../listening.ts';

/**
 * Serves GetParameter and PutParameter. The file contains `{ name: value }`, is read at every request, and takes
 * precedence over the template; values may be text, or JSON that is returned as text.
 */
export async function startParameters(
  templateValues: ReadonlyMap<string, string>,
  file: string | undefined,
): Promise<Listening> {
  const put = new Map<string, string>();
  let overrides: JsonObject = {};

  const currentValue = async (name: string): Promise<string | undefined> => {
    if (file !== undefined) overrides = (await readOverrides(file)) ?? overrides;
    const override = overrides[name];
    if (override !== undefined) return asText(override) ?? JSON.stringify(override);
    return put.get(name) ?? templateValues.get(name);
  };

  const actions: Record<string, (input: JsonObject) => Promise<{ status: number; body: Json }>> = {
    GetParameter: async (input) => {
      const Name = asText(input['Name']) ?? '';
      const Value = await currentValue(Name);
      if (Value === undefined) return { status: 400, body: { __type: 'ParameterNotFound', message: Name } };
      const Parameter = { Name, Type: 'String', Value, Version: 1, DataType: 'text' };
      return { status: 200, body: { Parameter } };
    },
    PutParameter: async (input) => {
      const name = asText(input['Name']) ?? '';
      const value = asText(input['Value']) ?? '';
      if (file === undefined) put.set(name, value);
      else await writeOverride(file, name, value);
      return { status: 200, body: { Version: 1, Tier: 'Standard' } };
    },
  };

  const server = createServer(async (incoming, outgoing) => {
    // An aborted request needs no answer.
    const body = await text(incoming).catch(() => undefined);
    if (body === undefined) return;
    const action = String(incoming.headers['x-amz-target'] ?? '').replace('AmazonSSM.', '');
    const answer = (await actions[action]?.(asObject(parseJson(body)))) ?? {
      status: 400,
      body: { __type: 'UnknownOperationException', message: `The local stack has no SSM ${action}.` },
    };
    outgoing
      .writeHead(answer.status, { 'content-type': 'application/x-amz-json-1.1' })
      .end(JSON.stringify(answer.body));
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
