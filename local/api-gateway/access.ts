// Access to methods: signatures, API keys, usage plans, throttling.
import type { IncomingHttpHeaders } from 'node:http';
import { asBoolean, asList, asNumber, asObject, asText, type JsonObject } from '../json.ts';
import { refOf } from '../template/names.ts';
import type { Resource, Template } from '../template/template.ts';
import type { GatewayResponseType } from './gateway-responses.ts';

/** The reason to refuse a request; undefined: none. */
export type AccessCheck = (headers: IncomingHttpHeaders) => GatewayResponseType | undefined;

/** Reads the access rules of each method. @param now a clock in milliseconds */
export function readAccess(
  template: Template,
  now: () => number,
): (method: Resource, resourcePath: string) => AccessCheck {
  const keys = readKeys(template, now);
  const settings = template
    .ofType('AWS::ApiGateway::Stage')
    .flatMap((stage) => asList(stage.properties['MethodSettings']).map(asObject));

  return ({ properties }, resourcePath) => {
    const verb = asText(properties['HttpMethod']) ?? '';
    const signed = properties['AuthorizationType'] === 'AWS_IAM';
    const needsKey = asBoolean(properties['ApiKeyRequired']) === true;
    const bucket = stageBucket(settings, verb, resourcePath, now);
    return (headers) => {
      // The signature itself is not verified (docs/local-stack.md).
      if (signed && !/^AWS4-HMAC-SHA256 .*Signature=/.test(headers.authorization ?? '')) {
        return 'MISSING_AUTHENTICATION_TOKEN';
      }
      if (needsKey) {
        const key = headers['x-api-key'];
        const refusal = typeof key === 'string' ? keys.get(key) : () => 'INVALID_API_KEY' as const;
        const reason = refusal === undefined ? 'INVALID_API_KEY' : refusal();
        if (reason !== undefined) return reason;
      }
      return bucket === undefined || bucket() ? undefined : 'THROTTLED';
    };
  };
}

/** An API key's value: the template's, or one derived from its logical id. */
export function apiKeyValue(key: Resource): string {
  return asText(key.properties['Value']) ?? `local-${key.logicalId}`;
}

type KeyCheck = () => GatewayResponseType | undefined;

/** Whether one more request may pass now. */
type Bucket = () => boolean;

/** Tally's quotas are per day. */
const quotaMs = 86_400_000;

function readKeys(template: Template, now: () => number): Map<string, KeyCheck> {
  const plans = template.ofType('AWS::ApiGateway::UsagePlan');
  const links = template.ofType('AWS::ApiGateway::UsagePlanKey');
  const checks = new Map<string, KeyCheck>();
  for (const key of template.ofType('AWS::ApiGateway::ApiKey')) {
    if (asBoolean(key.properties['Enabled']) === false) continue;
    const link = links.find(({ properties }) => properties['KeyId'] === refOf(key));
    const plan = plans.find((candidate) => refOf(candidate) === link?.properties['UsagePlanId']);
    if (plan !== undefined) checks.set(apiKeyValue(key), usagePlanCheck(plan.properties, now));
  }
  return checks;
}

function usagePlanCheck(plan: JsonObject, now: () => number): KeyCheck {
  const throttle = asObject(plan['Throttle']);
  const bucket = bucketOf(throttle['RateLimit'], throttle['BurstLimit'], now);
  const quota = asObject(plan['Quota']);
  const limit = asNumber(quota['Limit']);
  let used = 0;
  let periodStart = now();
  return () => {
    if (bucket !== undefined && !bucket()) return 'THROTTLED';
    if (now() - periodStart >= quotaMs) {
      used = 0;
      periodStart = now();
    }
    if (limit !== undefined && used >= limit) return 'QUOTA_EXCEEDED';
    used += 1;
    return undefined;
  };
}

/** The most specific method setting applies: resource and verb, then the verb on all resources, then everything. */
function stageBucket(
  settings: readonly JsonObject[],
  verb: string,
  resourcePath: string,
  now: () => number,
): Bucket | undefined {
  const paths = [resourcePath, `/${resourcePath.replaceAll('/', '~1')}`, '/*'];
  const [setting] = paths
    .flatMap((ResourcePath) => [verb, '*'].map((HttpMethod) => ({ ResourcePath, HttpMethod })))
    .flatMap((wanted) =>
      settings.filter(
        (one) => one['ResourcePath'] === wanted.ResourcePath && one['HttpMethod'] === wanted.HttpMethod,
      ),
    );
  return bucketOf(setting?.['ThrottlingRateLimit'], setting?.['ThrottlingBurstLimit'], now);
}

/** A token bucket, as in API Gateway; it starts full. Undefined without a rate. */
function bucketOf(rate: unknown, burst: unknown, now: () => number): Bucket | undefined {
  const ratePerSecond = asNumber(rate);
  if (ratePerSecond === undefined || ratePerSecond < 0) return undefined;
  const size = asNumber(burst) ?? ratePerSecond;
  let tokens = size;
  let last = now();
  return () => {
    const time = now();
    tokens = Math.min(size, tokens + ((time - last) / 1_000) * ratePerSecond);
    last = time;
    if (tokens < 1) return false;
    tokens -= 1;
    return true;
  };
}
