// The noun of a function: the folder of its handler, as `writer` of `lambdas/writer/handler.ts`.
import { asText } from '../json.ts';
import { arnOf, nameOf } from './names.ts';
import type { Template } from './template.ts';

/** The noun of a function by its name or ARN; undefined for one that the template does not have. */
export function nounOf(template: Template, function_: unknown): string | undefined {
  const found = template
    .ofType('AWS::Lambda::Function')
    .find((candidate) => nameOf(candidate) === function_ || arnOf(candidate) === function_);
  return /^lambdas\/([\w-]+)\//.exec(asText(found?.metadata['tally:entry']) ?? '')?.[1];
}

/** The noun of the function that a mapping feeds. */
export function fedNoun(template: Template, mappingId: string): string | undefined {
  return nounOf(template, template.find(mappingId)?.properties['FunctionName']);
}
