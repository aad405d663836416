// The web ACL: none unless asked for; the rate limit's rules; an operator's own; and none of them on the local stack.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readTemplate } from '../../local/template/template.ts';
import { resourceOf, resourcesOf, templateJson, templateText } from '../support/stack-template.ts';

const OWN =
  'arn:aws:wafv2:eu-central-1:123456789012:regional/webacl/ours/01234567-89ab-cdef-0123-456789abcdef';
const limited = templateJson('prod', { webAcl: 'rate-limit', webAclRequestsPerMinute: 600 });

test('there is none by default', () => {
  const template = templateJson('prod');
  assert.equal(resourcesOf(template, 'AWS::WAFv2::WebACL').length, 0);
  assert.equal(resourcesOf(template, 'AWS::WAFv2::WebACLAssociation').length, 0);
});

test('rate-limit protects the stage, and tells an address that is too fast to retry', () => {
  const { Rules, Scope, DefaultAction } = resourceOf(limited, 'AWS::WAFv2::WebACL').Properties;
  assert.equal(Scope, 'REGIONAL');
  assert.deepEqual(DefaultAction, { Allow: {} });
  const [rate] = Rules;
  assert.deepEqual(rate.Statement, {
    RateBasedStatement: { AggregateKeyType: 'IP', Limit: 600, EvaluationWindowSec: 60 },
  });
  assert.equal(rate.Action.Block.CustomResponse.ResponseCode, 429);
  const { ResourceArn, WebACLArn } = resourceOf(limited, 'AWS::WAFv2::WebACLAssociation').Properties;
  const [acl] = resourcesOf(limited, 'AWS::WAFv2::WebACL');
  assert.deepEqual(WebACLArn, { 'Fn::GetAtt': [acl?.[0], 'Arn'] });
  const [stage] = resourcesOf(limited, 'AWS::ApiGateway::Stage');
  assert.ok(JSON.stringify(ResourceArn).includes(`"Ref":"${stage?.[0]}"`));
});

test('the common rules block nothing by the content of a body or path, since both hold entities', () => {
  const [, common] = resourceOf(limited, 'AWS::WAFv2::WebACL').Properties.Rules;
  assert.deepEqual(common.OverrideAction, { None: {} });
  const { Name, RuleActionOverrides } = common.Statement.ManagedRuleGroupStatement;
  assert.equal(Name, 'AWSManagedRulesCommonRuleSet');
  const counted = new Set(RuleActionOverrides.map((one: { Name: string }) => one.Name));
  const looksAtEntities = [
    'SizeRestrictions',
    'EC2MetaDataSSRF',
    'GenericLFI',
    'GenericRFI',
    'CrossSiteScripting',
  ];
  for (const rule of looksAtEntities) {
    for (const place of ['BODY', 'URIPATH']) assert.ok(counted.has(`${rule}_${place}`), `${rule}_${place}`);
  }
  assert.ok(RuleActionOverrides.every((one: { ActionToUse: object }) => 'Count' in one.ActionToUse));
});

test('it keeps no samples of requests, which hold addresses', () => {
  const text = JSON.stringify(resourceOf(limited, 'AWS::WAFv2::WebACL'));
  assert.match(text, /"SampledRequestsEnabled":false/);
  assert.doesNotMatch(text, /"SampledRequestsEnabled":true/);
});

test("an operator's own is taken by its ARN", () => {
  const template = templateJson('prod', { webAcl: OWN });
  assert.equal(resourcesOf(template, 'AWS::WAFv2::WebACL').length, 0);
  assert.equal(resourceOf(template, 'AWS::WAFv2::WebACLAssociation').Properties.WebACLArn, OWN);
});

test('the local stack knows that it runs none', () => {
  const template = JSON.parse(templateText('local', { webAcl: 'rate-limit' }));
  const { resources } = readTemplate(template, { queueEndpoint: '' });
  assert.ok(resources.some(({ type }) => type === 'AWS::WAFv2::WebACL'));
});
