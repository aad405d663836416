// The front door's mapping templates, taken from the synthesized template and rendered as the local API Gateway does.
import { templateContext } from '../../local/api-gateway/template-context.ts';
import { compileVelocity } from '../../local/api-gateway/velocity.ts';
import { type Json, parseJson } from '../../local/json.ts';
import { resourceOf, type TemplateJson } from './stack-template.ts';

/** The result of a response template. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

interface IntegrationResponse {
  readonly StatusCode: string;
  readonly SelectionPattern?: string;
  readonly ResponseParameters: Readonly<Record<string, string>>;
  readonly ResponseTemplates: Readonly<Record<string, string>>;
}

/** The POST /v1/events method of a template. */
export function eventsMethod(template: TemplateJson) {
  return resourceOf(template, 'AWS::ApiGateway::Method', 'FrontDoorApiv1eventsPOST').Properties;
}

/** Renders the request template of a content type. */
export function renderRequest(template: TemplateJson, contentType: string, body: string): string {
  const { RequestTemplates } = eventsMethod(template).Integration;
  const parts: unknown = RequestTemplates[contentType]?.['Fn::Join']?.[1];
  if (!Array.isArray(parts)) throw new Error(`No request template for ${contentType}`);
  const source = parts.map((part) => (typeof part === 'string' ? part : 'the-stream')).join('');
  return render(source, body).text;
}

/** The client's answer for an answer of Kinesis, by selection patterns and overrides. */
export function renderAnswer(
  template: TemplateJson,
  kinesisStatus: number,
  kinesisBody: string,
  headersSent: Readonly<Record<string, string>> = {},
): Answer {
  const responses: IntegrationResponse[] = eventsMethod(template).Integration.IntegrationResponses;
  const chosen =
    responses.find(
      ({ SelectionPattern }) =>
        SelectionPattern !== undefined && new RegExp(`^(?:${SelectionPattern})$`).test(String(kinesisStatus)),
    ) ?? responses.find(({ SelectionPattern }) => SelectionPattern === undefined);
  if (chosen === undefined) throw new Error(`No integration response for ${kinesisStatus}`);
  const { text, override } = render(
    chosen.ResponseTemplates['application/json'] ?? '',
    kinesisBody,
    headersSent,
  );
  const headers = Object.entries(chosen.ResponseParameters).map(
    ([name, value]) => [name.replace('method.response.header.', ''), value.slice(1, -1)] as const,
  );
  return {
    status: Number(override.status ?? chosen.StatusCode),
    headers: { ...Object.fromEntries(headers), ...(override.header as Record<string, string>) },
    body: text,
  };
}

function render(source: string, body: string, header: Readonly<Record<string, string>> = {}) {
  const override: { status?: unknown; header: Record<string, unknown> } = { header: {} };
  const json: Json | undefined = parseJson(body);
  const parameters = { path: {}, querystring: {}, header };
  // A client can choose the first of the two.
  const context = { requestId: 'chosen', extendedRequestId: '7f3d-request', responseOverride: override };
  return {
    text: compileVelocity(source)(templateContext(body, json, parameters, context)),
    override,
  };
}
