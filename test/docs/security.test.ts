// docs/security.md against the template: every route with who may call it, every role with what it may do, every setting and test that it names.
// UPDATE_SNAPSHOTS=1 rewrites the two tables.
import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { configurationOf } from '../../lib/configuration.ts';
import { type Resource, resourcesOf, templateJson } from '../support/stack-template.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const PATH = join(ROOT, 'docs', 'security.md');
const template = templateJson('prod', { publicMetrics: ['view'] });

test('every route is in the table, with who may call it and what is asked of them', () => {
  checkTable('routes', routeRows());
});

test('every role is in the table, with what it may do to what', () => {
  checkTable('roles', roleRows());
});

test('every setting, test and page that the document names is there', () => {
  const text = readFileSync(PATH, 'utf8');
  const settings = [...text.matchAll(/setting `([A-Za-z]+)`/g)].map(([, name = '']) => name);
  assert.ok(settings.length > 8);
  for (const name of settings)
    assert.ok(Object.hasOwn(configurationOf('dev'), name), `there is no setting ${name}`);
  const files = [...text.matchAll(/`((?:test|lib|lambdas|hostile|operations)\/[\w./-]+)`/g)].map(
    ([, file = '']) => file,
  );
  assert.ok(files.length > 8);
  for (const file of files) assert.ok(existsSync(join(ROOT, file)), `there is no ${file}`);
});

function checkTable(name: string, rows: readonly string[]): void {
  const text = readFileSync(PATH, 'utf8');
  const [start, end] = [`<!-- ${name}: made from the template -->`, `<!-- end of ${name} -->`];
  const [before = '', rest = ''] = text.split(start);
  const [table = '', after = ''] = rest.split(end);
  const [, head = '', rule = ''] = table.split('\n');
  const wanted = `\n${[head, rule, ...rows].join('\n')}\n`;
  if (process.env['UPDATE_SNAPSHOTS'] === '1')
    writeFileSync(PATH, [before, start, wanted, end, after].join(''));
  else
    assert.equal(
      table,
      wanted,
      `the table of ${name} in docs/security.md is not that of the template: UPDATE_SNAPSHOTS=1`,
    );
}

function routeRows(): string[] {
  return resourcesOf(template, 'AWS::ApiGateway::Method')
    .filter(([, { Properties }]) => Properties.HttpMethod !== 'ANY')
    .map(([, { Properties: method }]) => {
      const path = method.ResourceId.Ref === undefined ? '/' : pathOf(method.ResourceId.Ref);
      const [callers, asked] = accessOf(method, path);
      return `| \`${method.HttpMethod} ${path}\` | ${callers} | ${asked} |`;
    })
    .sort();
}

function accessOf(method: Resource['Properties'], path: string): [callers: string, asked: string] {
  if (method.HttpMethod === 'OPTIONS') return ['browsers', 'nothing: a preflight, which answers constants'];
  if (method.AuthorizationType === 'AWS_IAM') {
    const canary = path.startsWith('/v1/admin/counts/') ? ', canary' : '';
    return [`operators${canary}`, 'IAM: a signature, and `execute-api:Invoke` on the route'];
  }
  assert.equal(method.AuthorizationType, 'NONE');
  if (method.ApiKeyRequired === true) return ['clients', 'an API key'];
  return path.startsWith('/v1/')
    ? ['anyone', 'nothing: the total of a metric in `publicMetrics`']
    : ['anyone', 'nothing: the console, which has no data of its own and asks for a key'];
}

function pathOf(resourceId: string): string {
  const resource = template.Resources[resourceId];
  if (resource?.Type !== 'AWS::ApiGateway::Resource') return '';
  return `${pathOf(resource.Properties.ParentId.Ref ?? '')}/${resource.Properties.PathPart}`;
}

function roleRows(): string[] {
  return resourcesOf(template, 'AWS::IAM::Policy')
    .flatMap(([, { Properties }]) => {
      const role = roleName(String(Properties.Roles[0].Ref));
      const byResource = new Map<string, string[]>();
      for (const { Action, Resource } of Properties.PolicyDocument.Statement) {
        for (const resource of [Resource].flat()) {
          const shown = showResource(resource);
          byResource.set(shown, [...(byResource.get(shown) ?? []), ...[Action].flat()]);
        }
      }
      return [...byResource].map(
        ([resource, actions]) => `| ${role} | ${resource} | ${[...new Set(actions)].toSorted().join(', ')} |`,
      );
    })
    .sort();
}

/** The function that has the role, by its noun; the front door's own otherwise. */
function roleName(roleId: string): string {
  const found = resourcesOf(template, 'AWS::Lambda::Function').find(
    ([, { Properties }]) => Properties.Role['Fn::GetAtt'][0] === roleId,
  );
  return found?.[1].Properties.Environment.Variables.POWERTOOLS_SERVICE_NAME ?? 'front door';
}

/** What a resource is called in the documents, and the part of it that is meant. */
const NAMES: readonly [start: string, name: string][] = [
  ['TablesCounters', 'counters'],
  ['TablesLedger', 'ledger'],
  ['EventsStream', 'stream'],
  ['RollupsMessages', 'rollup queue'],
  ['RollupsDeadLetters', 'dead-letter queue'],
  ['ArchiveBucket', 'archive'],
  ['FrontDoorApi', 'API'],
];

function showResource(resource: unknown): string {
  const text = JSON.stringify(resource);
  if (text === '"*"') return 'everything';
  const id = /"(?:Fn::GetAtt":\["|Ref":")(?!AWS::)(\w+?)[0-9A-F]{8}"/.exec(text)?.[1] ?? text;
  const suffix = /"\/([^"]+)"\]/.exec(text)?.[1] ?? '';
  const name =
    NAMES.find(([start]) => id.startsWith(start))?.[1] ??
    (/Logs$/.test(id) ? 'its log group' : `parameter ${id.toLowerCase()}`);
  return suffix === '' ? name : `${name} \`${suffix}\``;
}
