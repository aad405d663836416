// Request validation: models are compiled once; an error names the field by its JSON pointer, never its value.
import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv';
import { LocalStackError } from '../errors.ts';
import { asObject, type Json, parseJson } from '../json.ts';

/**
 * Compiles a model's schema (draft 4, as in API Gateway). Returns a function that says what is wrong with a body, if anything.
 * @throws LocalStackError if it does not compile
 */
export function compileModel(name: string, schema: Json | undefined) {
  const { $schema: _, ...rest } = asObject(typeof schema === 'string' ? parseJson(schema) : schema);
  let validate: ValidateFunction;
  try {
    validate = new Ajv({ strict: false, allowUnionTypes: true }).compile(rest);
  } catch (error) {
    throw new LocalStackError(`The model ${name} does not compile: ${String(error)}`);
  }
  return (json: Json | undefined): string | undefined => {
    if (json === undefined) return '[#: the body is not JSON]';
    if (validate(json)) return undefined;
    return `[${(validate.errors ?? []).map(describe).join(', ')}]`;
  };
}

function describe({ instancePath, keyword, params, message }: ErrorObject): string {
  const details = asObject(params as Json);
  const text = texts[keyword]?.(details) ?? message ?? 'is not valid';
  return `#${instancePath}: ${text}`;
}

const texts: Record<string, (details: Record<string, Json>) => string> = {
  required: ({ missingProperty }) => `required key [${missingProperty}] not found`,
  additionalProperties: ({ additionalProperty }) => `extraneous key [${additionalProperty}] is not permitted`,
  type: ({ type }) => `expected type: ${Array.isArray(type) ? type.join(' or ') : type}`,
  pattern: ({ pattern }) => `does not match pattern ${pattern}`,
};
