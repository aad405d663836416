// The web ACL: none unless asked for; an operator's own; and the local stack knows that it runs none.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readTemplate } from '../../local/template/template.ts';
import { resourceOf, resourcesOf, templateJson, templateText } from '../support/stack-template.ts';

const OWN =
  'arn:aws:wafv2:eu-central-1:123456789012:regional/webacl/ours/01234567-89ab-cdef-0123-456789abcdef';

test('there is none by default', () => {
  assert.equal(resourcesOf(templateJson('prod'), 'AWS::WAFv2::WebACLAssociation').length, 0);
});

test("an operator's own stands before the stage", () => {
  const template = templateJson('prod', { webAcl: OWN });
  const { ResourceArn, WebACLArn } = resourceOf(template, 'AWS::WAFv2::WebACLAssociation').Properties;
  assert.equal(WebACLArn, OWN);
  const [stage] = resourcesOf(template, 'AWS::ApiGateway::Stage');
  assert.ok(JSON.stringify(ResourceArn).includes(`"Ref":"${stage?.[0]}"`));
});

test('the local stack knows that it runs none', () => {
  const template = JSON.parse(templateText('local', { webAcl: OWN }));
  const { resources } = readTemplate(template, { queueEndpoint: '' });
  assert.ok(resources.some(({ type }) => type === 'AWS::WAFv2::WebACLAssociation'));
});
