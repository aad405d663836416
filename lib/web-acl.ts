// The web ACL in front of the API: none, one that limits the rate per address, or the operator's own.
import type { RestApi } from 'aws-cdk-lib/aws-apigateway';
import { CfnWebACL, CfnWebACLAssociation } from 'aws-cdk-lib/aws-wafv2';
import { Construct } from 'constructs';
import type { Configuration } from './configuration.ts';
import { RETRY_AFTER_SECONDS } from './mapping-templates.ts';

/** Allowed besides the ARN of a regional web ACL. */
export const WEB_ACL_OFF = 'off';
const WEB_ACL_RATE_LIMIT = 'rate-limit';

/**
 * Rules of AWS' common rule set that would refuse valid requests, so they count instead of blocking. Entities in events may be URLs, paths and
 * markup, and 500 events far exceed the rule's 8 KB; the path of a read contains up to 6 KB of percent-encoded entity; and a client need not
 * send a user agent. The model validates the whole body instead.
 * (docs waf/latest/developerguide/aws-managed-rule-groups-baseline.html; WAF silently ignores unknown names there.)
 */
const COUNTED_ONLY = [
  'NoUserAgent_HEADER',
  'SizeRestrictions_BODY',
  'SizeRestrictions_URIPATH',
  'EC2MetaDataSSRF_BODY',
  'EC2MetaDataSSRF_URIPATH',
  'GenericLFI_BODY',
  'GenericLFI_URIPATH',
  'GenericRFI_BODY',
  'GenericRFI_URIPATH',
  'RestrictedExtensions_URIPATH',
  'CrossSiteScripting_BODY',
  'CrossSiteScripting_URIPATH',
];

const TOO_MANY = 'TooMany';

/** The web ACL of the setting `webAcl`, attached to the API's stage. */
export class WebAcl extends Construct {
  constructor(scope: Construct, id: string, c: Configuration, api: RestApi) {
    super(scope, id);
    if (c.webAcl === WEB_ACL_OFF) return;
    const webAclArn =
      c.webAcl === WEB_ACL_RATE_LIMIT ? rateLimit(this, c.webAclRequestsPerMinute).attrArn : c.webAcl;
    new CfnWebACLAssociation(this, 'Association', { resourceArn: api.deploymentStage.stageArn, webAclArn });
  }
}

function rateLimit(scope: Construct, requestsPerMinute: number): CfnWebACL {
  return new CfnWebACL(scope, 'Acl', {
    scope: 'REGIONAL',
    description: 'Limits requests of one address, and blocks common attacks.',
    defaultAction: { allow: {} },
    customResponseBodies: {
      [TOO_MANY]: {
        contentType: 'APPLICATION_JSON',
        content:
          '{"message":"Too many requests from this address: nothing was taken, send the whole request again."}',
      },
    },
    rules: [
      {
        name: 'RateOfOneAddress',
        priority: 0,
        statement: {
          rateBasedStatement: { aggregateKeyType: 'IP', limit: requestsPerMinute, evaluationWindowSec: 60 },
        },
        // 429, not 403: a client that was too fast must retry, or its events are lost.
        action: {
          block: {
            customResponse: {
              responseCode: 429,
              customResponseBodyKey: TOO_MANY,
              responseHeaders: [{ name: 'Retry-After', value: String(RETRY_AFTER_SECONDS) }],
            },
          },
        },
        visibilityConfig: visibility('RateOfOneAddress'),
      },
      {
        name: 'CommonRules',
        priority: 1,
        statement: {
          managedRuleGroupStatement: {
            vendorName: 'AWS',
            name: 'AWSManagedRulesCommonRuleSet',
            ruleActionOverrides: COUNTED_ONLY.map((name) => ({ name, actionToUse: { count: {} } })),
          },
        },
        overrideAction: { none: {} },
        visibilityConfig: visibility('CommonRules'),
      },
    ],
    visibilityConfig: visibility('WebAcl'),
  });
}

/** Metrics, but no samples: a sample is a whole request, including its client's address. */
function visibility(metricName: string): CfnWebACL.VisibilityConfigProperty {
  return { cloudWatchMetricsEnabled: true, sampledRequestsEnabled: false, metricName };
}
