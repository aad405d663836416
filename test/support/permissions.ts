// What roles may do by the template's policies, and what service calls need: the two sides of least privilege.
import { account, region } from '../../local/identity.ts';
import { asList, asObject, asText, parseJson } from '../../local/json.ts';
import type { ObservedCall } from '../../local/observer.ts';
import type { Template } from '../../local/template/template.ts';

/** One action on one resource that a role may do; both may have wildcards. */
export interface Grant {
  readonly role: string;
  readonly action: string;
  readonly resource: string;
}

/** One action on one resource that a call needs. */
export type Request = Grant;

/** Every grant of the template's policies, statement by statement. @throws for a statement of another kind */
export function grantsIn(template: Template): Grant[] {
  return template.ofType('AWS::IAM::Policy').flatMap(({ logicalId, properties }) =>
    asList(asObject(properties['PolicyDocument'])['Statement'])
      .map(asObject)
      .flatMap(({ Effect, Action, Resource, Condition, NotAction, NotResource }) => {
        if (Effect !== 'Allow' || [Condition, NotAction, NotResource].some((part) => part !== undefined)) {
          throw new Error(`${logicalId} has a statement that this test cannot judge`);
        }
        return asList(properties['Roles']).flatMap((role) =>
          [Action].flat().flatMap((action) =>
            [Resource].flat().map((resource) => ({
              role: String(role),
              action: String(action),
              resource: String(resource),
            })),
          ),
        );
      }),
  );
}

/** Whether a grant allows a request. `*` in a policy stands for any characters, slashes and colons too. */
export function allows(grant: Grant, request: Request): boolean {
  return (
    grant.role === request.role &&
    matches(grant.action, request.action) &&
    matches(grant.resource, request.resource)
  );
}

function matches(pattern: string, text: string): boolean {
  const source = pattern.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replaceAll('*', '.*');
  return new RegExp(`^${source}$`, 's').test(text);
}

/** The role that a caller acts for; undefined for callers that are no part of the template: tests, operators. */
export function roleOf(template: Template, caller: string): string | undefined {
  const [kind, name] = caller.split(' ');
  if (kind === 'role') return name;
  const found = template.ofType('AWS::Lambda::Function').find((candidate) => candidate.name === name);
  return found && asText(found.properties['Role'])?.replace(/^.*:role\//, '');
}

/** What a call needs, in IAM's terms. @throws for an unknown operation */
export function requestsOf(template: Template, call: ObservedCall): Omit<Request, 'role'>[] {
  const input = asObject(parseJson(call.body));
  const one = (action: string, resource: string) => [{ action: `${call.service}:${action}`, resource }];
  const arn = (service: string, rest: string) => `arn:aws:${service}:${region}:${account}:${rest}`;
  switch (call.service) {
    case 'dynamodb': {
      const tables = [asText(input['TableName']), ...Object.keys(asObject(input['RequestItems']))];
      const index = asText(input['IndexName']);
      return tables
        .filter((table) => table !== undefined)
        .flatMap((table) =>
          one(call.action, arn('dynamodb', `table/${table}${index === undefined ? '' : `/index/${index}`}`)),
        );
    }
    case 'kinesis': {
      // A shard iterator does not name its stream, and there is only one.
      const [stream, ...others] = template.ofType('AWS::Kinesis::Stream');
      if (stream === undefined || others.length > 0) throw new Error('more than one stream');
      const name = asText(input['StreamName']);
      return one(call.action, name === undefined ? stream.arn : arn('kinesis', `stream/${name}`));
    }
    case 'sqs': {
      const name = asText(input['QueueUrl'])?.replace(/^.*\//, '') ?? '';
      // Each entry of a batch is permitted by the single operation's action.
      return one(call.action.replace(/Batch$/, ''), arn('sqs', name));
    }
    case 'ssm':
      return one(call.action, arn('ssm', `parameter${asText(input['Name']) ?? ''}`));
    case 's3':
      return s3Request(call.action);
    case 'execute-api': {
      const [api] = template.ofType('AWS::ApiGateway::RestApi');
      const [stage] = template.ofType('AWS::ApiGateway::Stage');
      if (api === undefined || stage === undefined) throw new Error('no API');
      const [method, url = ''] = call.action.split(' ');
      const path = url.replace(/\?.*$/, '');
      return one('Invoke', arn('execute-api', `${api.name}/${stage.name}/${method}${path}`));
    }
  }
}

const OBJECT_ACTIONS: Readonly<Record<string, string>> = {
  GET: 's3:GetObject',
  HEAD: 's3:GetObject',
  PUT: 's3:PutObject',
  DELETE: 's3:DeleteObject',
};

/** `PUT /bucket/key?…` as action and ARN. */
function s3Request(action: string): Omit<Request, 'role'>[] {
  const [, method = '', bucket = '', key = ''] = /^(\w+) \/([^/?]+)\/?([^?]*)/.exec(action) ?? [];
  if (key === '') {
    if (method !== 'GET') throw new Error(`no action is known for ${action}`);
    return [{ action: 's3:ListBucket', resource: `arn:aws:s3:::${bucket}` }];
  }
  const named = OBJECT_ACTIONS[method];
  if (named === undefined) throw new Error(`no action is known for ${action}`);
  return [{ action: named, resource: `arn:aws:s3:::${bucket}/${decodeURIComponent(key)}` }];
}
