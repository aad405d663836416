// Access to methods: signatures and API keys.
import type { IncomingHttpHeaders } from 'node:http';
import { asBoolean, asText } from '../json.ts';
import type { Resource, Template } from '../template/template.ts';
import type { GatewayResponseType } from './gateway-responses.ts';

/**
 * Reads the API keys. Returns a function that gives the reason to refuse a request to a method. Signatures, throttles and quotas
 * are not checked (docs/local-stack.md).
 */
export function readAccess(template: Template) {
  const inPlan = template
    .ofType('AWS::ApiGateway::UsagePlanKey')
    .map(({ properties }) => properties['KeyId']);
  const keys = template
    .ofType('AWS::ApiGateway::ApiKey')
    .filter((key) => asBoolean(key.properties['Enabled']) !== false && inPlan.includes(key.ref))
    .map(apiKeyValue);
  return ({ properties }: Resource, headers: IncomingHttpHeaders): GatewayResponseType | undefined => {
    const { authorization = '', 'x-api-key': key } = headers;
    if (
      properties['AuthorizationType'] === 'AWS_IAM' &&
      !/^AWS4-HMAC-SHA256 .*Signature=/.test(authorization)
    )
      return 'MISSING_AUTHENTICATION_TOKEN';
    const needsKey = asBoolean(properties['ApiKeyRequired']) === true;
    return needsKey && !keys.includes(String(key)) ? 'INVALID_API_KEY' : undefined;
  };
}

/** An API key's value: the template's, or one derived from its logical id. */
export function apiKeyValue(key: Resource): string {
  return asText(key.properties['Value']) ?? `local-${key.logicalId}`;
}
