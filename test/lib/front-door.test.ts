// The front door: routes and who may call them, refusals, preflights, throttles, and what is logged of a request.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  type Resource,
  resourceOf,
  resourcesOf,
  type TemplateJson,
  templateJson,
} from '../support/stack-template.ts';

const json = templateJson('prod');
const keyless = templateJson('prod', { apiKeys: false });

test('routes: events and reads need a key, admin needs IAM, preflights need nothing', () => {
  assert.deepEqual(routesOf(json), {
    'POST /v1/events': 'AWS NONE key',
    'OPTIONS /v1/events': 'MOCK NONE',
    'GET /v1/counts/{metric}/{entity+}': 'AWS_PROXY NONE key',
    'OPTIONS /v1/counts/{metric}/{entity+}': 'MOCK NONE',
    'GET /v1/top/{metric}': 'AWS_PROXY NONE key',
    'OPTIONS /v1/top/{metric}': 'MOCK NONE',
    'POST /v1/counts:batch': 'AWS_PROXY NONE key',
    'OPTIONS /v1/counts:batch': 'MOCK NONE',
    'GET /v1/metrics': 'AWS_PROXY NONE key',
    'OPTIONS /v1/metrics': 'MOCK NONE',
    'GET /v1/status': 'AWS_PROXY NONE key',
    'OPTIONS /v1/status': 'MOCK NONE',
    'GET /': 'AWS_PROXY NONE',
    'GET /console/{file}': 'AWS_PROXY NONE',
    'GET /v1/openapi.json': 'AWS_PROXY NONE key',
    'OPTIONS /v1/openapi.json': 'MOCK NONE',
    'GET /v1/admin/counts/{metric}/{entity+}': 'AWS_PROXY AWS_IAM',
  });
  assert.ok(Object.values(routesOf(keyless)).every((route) => !route.endsWith('key')));
});

test('public counters: only with a public metric, without a key, at a rate of their own', () => {
  const isPublic = (route: string) => route.includes('/v1/public/');
  assert.deepEqual(Object.keys(routesOf(json)).filter(isPublic), []);
  const open = templateJson('prod', { publicMetrics: ['play'], publicRequestsPerSecond: 7 });
  assert.deepEqual(
    Object.entries(routesOf(open)).filter(([route]) => isPublic(route)),
    [['GET /v1/public/{metric}/{entity+}', 'AWS_PROXY NONE']],
  );
  const { MethodSettings } = resourceOf(open, 'AWS::ApiGateway::Stage').Properties;
  const settings = (MethodSettings as readonly { readonly ResourcePath: string }[]).filter((each) =>
    each.ResourcePath.includes('public'),
  );
  assert.deepEqual(settings, [
    {
      HttpMethod: 'GET',
      ResourcePath: '/~1v1~1public~1{metric}~1{entity+}',
      ThrottlingRateLimit: 7,
      ThrottlingBurstLimit: 14,
      DataTraceEnabled: false,
    },
  ]);
});

test('every function that anyone may call has a throttle of its own, far below that of the stage', () => {
  const open = templateJson('prod', { publicMetrics: ['play'] });
  const { MethodSettings } = resourceOf(open, 'AWS::ApiGateway::Stage').Properties;
  const throttles = (MethodSettings as readonly Readonly<Record<string, unknown>>[]).map((each) => [
    `${each['HttpMethod']} ${String(each['ResourcePath']).replaceAll('~1', '/').replace('//', '/')}`,
    [each['ThrottlingRateLimit'], each['ThrottlingBurstLimit']],
  ]);
  const reachable = Object.entries(routesOf(open)).filter(([, access]) => access === 'AWS_PROXY NONE');
  assert.deepEqual(
    Object.fromEntries(throttles.filter(([route]) => route !== '* /*')),
    Object.fromEntries(
      reachable.map(([route]) => [route, route.includes('/v1/public/') ? [100, 200] : [50, 100]]),
    ),
  );
});

test('the API is regional, so that a CDN may stand in front of it', () => {
  assert.deepEqual(resourceOf(json, 'AWS::ApiGateway::RestApi').Properties.EndpointConfiguration, {
    Types: ['REGIONAL'],
  });
});

test('the first key is in a usage plan with a throttle, and with a quota where the stage says so', () => {
  const plan = (template: TemplateJson) => resourceOf(template, 'AWS::ApiGateway::UsagePlan').Properties;
  assert.deepEqual(plan(json).Throttle, { RateLimit: 500, BurstLimit: 1000 });
  assert.equal(plan(json).Quota, undefined);
  assert.deepEqual(plan(templateJson('prod', { keyRequestsPerDay: 10 })).Quota, { Limit: 10, Period: 'DAY' });
  assert.equal(resourcesOf(json, 'AWS::ApiGateway::UsagePlanKey').length, 1);
  assert.equal(resourcesOf(keyless, 'AWS::ApiGateway::UsagePlan').length, 0);
});

test('the stage throttles, and logs neither addresses nor user agents', () => {
  const { MethodSettings, AccessLogSetting } = resourceOf(json, 'AWS::ApiGateway::Stage').Properties;
  const [all] = MethodSettings;
  assert.equal(all.ThrottlingRateLimit, 2000);
  assert.equal(all.ThrottlingBurstLimit, 4000);
  assert.notEqual(all.DataTraceEnabled, true);
  assert.doesNotMatch(AccessLogSetting.Format, /sourceIp|userAgent|header|caller|\buser\b|accountId/i);
  assert.ok(Object.keys(JSON.parse(AccessLogSetting.Format)).includes('status'));
});

describe('refusals', () => {
  const wanted: Record<string, { status?: string; retryAfter?: string }> = {
    BAD_REQUEST_BODY: { status: '400' },
    UNSUPPORTED_MEDIA_TYPE: { status: '415' },
    REQUEST_TOO_LARGE: { status: '413' },
    THROTTLED: { status: '429', retryAfter: "'1'" },
    MISSING_AUTHENTICATION_TOKEN: { status: '403' },
    QUOTA_EXCEEDED: { status: '429', retryAfter: "'3600'" },
    DEFAULT_4XX: {},
    DEFAULT_5XX: {},
  };
  const found = resourcesOf(json, 'AWS::ApiGateway::GatewayResponse').map(([, { Properties }]) => Properties);
  test('are these', () => {
    assert.deepEqual(found.map((one) => one.ResponseType).sort(), Object.keys(wanted).sort());
  });
  for (const one of found) {
    test(`${one.ResponseType} is JSON with a message, readable from other origins`, () => {
      const { status, retryAfter } = wanted[one.ResponseType] ?? {};
      assert.equal(one.StatusCode, status);
      assert.equal(one.ResponseParameters['gatewayresponse.header.Access-Control-Allow-Origin'], "'*'");
      assert.equal(one.ResponseParameters['gatewayresponse.header.Retry-After'], retryAfter);
      const text: string = one.ResponseTemplates['application/json'];
      const filled = text
        .replace('$context.error.messageString', '"Forbidden"')
        .replace(
          '$context.error.validationErrorString',
          '[object has missing required properties ([\\"metric\\"])]',
        );
      const { message } = JSON.parse(filled);
      assert.ok(message.length > 0 && !message.includes('$'));
      if (one.ResponseType === 'BAD_REQUEST_BODY') {
        assert.match(message, /\(\["metric"\]\)/);
        // The most common mistakes.
        assert.match(
          message,
          /Times are ISO 8601 with a zone, or epoch milliseconds \(13 digits; 10 are seconds\)/,
        );
        assert.match(message, /GET \/v1\/openapi\.json has all rules\.$/);
        assert.ok(message.length < 400, `${message.length}`);
      }
    });
  }
});

describe('browsers', () => {
  test('are told the allowed origin everywhere, preflights included', () => {
    const template = templateJson('prod', { allowOrigin: 'https://shop.example' });
    const name = 'method.response.header.Access-Control-Allow-Origin';
    for (const [id, { Properties }] of resourcesOf(template, 'AWS::ApiGateway::Method')) {
      for (const response of Properties.Integration.IntegrationResponses ?? []) {
        assert.equal(response.ResponseParameters[name], "'https://shop.example'", id);
        const credentials = 'method.response.header.Access-Control-Allow-Credentials';
        assert.equal(response.ResponseParameters[credentials], "'true'", id);
        for (const text of Object.values(response.ResponseTemplates))
          assert.doesNotMatch(text as string, /origin/i, id);
      }
    }
    for (const [, { Properties }] of resourcesOf(template, 'AWS::ApiGateway::GatewayResponse')) {
      assert.equal(
        Properties.ResponseParameters['gatewayresponse.header.Access-Control-Allow-Origin'],
        "'https://shop.example'",
      );
    }
    const query = resourcesOf(template, 'AWS::Lambda::Function').find(([id]) => id.startsWith('Query'));
    assert.equal(query?.[1].Properties.Environment.Variables.CORS_ORIGIN, 'https://shop.example');
  });
  test('may send the content type, the key and a tag', () => {
    const options = resourcesOf(json, 'AWS::ApiGateway::Method').filter(
      ([, m]) => m.Properties.HttpMethod === 'OPTIONS',
    );
    assert.equal(options.length, 7);
    for (const [id, { Properties }] of options) {
      const [response] = Properties.Integration.IntegrationResponses;
      assert.equal(response.StatusCode, '204', id);
      assert.match(
        response.ResponseTemplates['application/json'],
        /responseOverride.header.*Allow-Origin = /,
      );
      assert.equal(
        response.ResponseParameters['method.response.header.Access-Control-Allow-Headers'],
        "'Content-Type,X-Api-Key,If-None-Match'",
      );
      assert.deepEqual(JSON.parse(Properties.Integration.RequestTemplates['application/json']), {
        statusCode: 204,
      });
    }
  });
});

test('the deployment waits for every method and changes with them', () => {
  const [id, deployment] = resourcesOf(json, 'AWS::ApiGateway::Deployment')[0] ?? assert.fail();
  const depends = new Set([deployment.DependsOn ?? []].flat());
  for (const [method] of resourcesOf(json, 'AWS::ApiGateway::Method')) assert.ok(depends.has(method), method);
  const [other] = resourcesOf(keyless, 'AWS::ApiGateway::Deployment')[0] ?? assert.fail();
  assert.notEqual(id, other);
});

/** Each method's route, and its integration, authorization and key. */
function routesOf(template: TemplateJson): Record<string, string> {
  return Object.fromEntries(
    resourcesOf(template, 'AWS::ApiGateway::Method').flatMap(([, { Properties: p }]) => {
      // The answers of unknown routes: test/local/api-gateway/front-door.test.ts.
      if (p.HttpMethod === 'ANY') return [];
      const access = [p.Integration.Type, p.AuthorizationType, ...(p.ApiKeyRequired === true ? ['key'] : [])];
      return [
        [
          `${p.HttpMethod} ${pathOf(template, template.Resources[p.ResourceId.Ref]) || '/'}`,
          access.join(' '),
        ],
      ];
    }),
  );
}

function pathOf(template: TemplateJson, resource: Resource | undefined): string {
  if (resource === undefined) return '';
  return `${pathOf(template, template.Resources[resource.Properties.ParentId.Ref])}/${resource.Properties.PathPart}`;
}
