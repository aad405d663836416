// Routes of the local stack's server that are not in the template: service addresses, faults, and the demo.
import type { IncomingMessage } from 'node:http';
import type { Api } from './api-gateway/api.ts';
import type { GatewayAnswer } from './api-gateway/gateway-responses.ts';
import { readBody } from './api-gateway/request.ts';
import type { BreakIt } from './break-it.ts';
import type { Demo } from './demo.ts';
import type { Endpoints } from './emulators/emulators.ts';
import { credentials, region } from './identity.ts';
import { asObject, parseJson } from './json.ts';
import { localStage } from './synthesize.ts';

/** The path of the service addresses; no resource of the API starts with an underscore. */
const aboutPath = '/_local';

interface Controls {
  readonly breakIt: BreakIt;
  readonly demo: () => Demo | undefined;
}

/** Adds the local routes in front of the API. Without `controls`, only the one that describes the stack. */
export function withControls(api: Api, endpoints: Endpoints, controls: Controls | undefined): Api {
  // Resource names are in the same place as on AWS: the parameter `/tally/<stage>/resources`.
  const about = { stage: localStage, region, credentials, endpoints };
  return async (incoming) => {
    const { method = '', url = '' } = incoming;
    if (!url.startsWith(aboutPath)) return api(incoming);
    if (method === 'GET' && url === aboutPath) return json(200, about);
    if (controls === undefined) return json(404, { message: 'This stack was started without controls.' });
    const route = routes[`${method} ${url}`];
    if (route === undefined) {
      return json(404, { message: `There is no such local route: ${Object.keys(routes).join(', ')}.` });
    }
    if (method !== 'GET' && !isOwnPage(incoming)) {
      return json(403, {
        message: 'Only the console of this stack, or a command without an Origin, may do this.',
      });
    }
    const body = await readBody(incoming);
    return typeof body === 'string' ? undefined : route(controls, body.toString('utf8'));
  };
}

const routes: Readonly<Record<string, (controls: Controls, body: string) => Promise<GatewayAnswer>>> = {
  'GET /_local/faults': async ({ breakIt }) => json(200, { faults: breakIt.list() }),
  'POST /_local/faults': async ({ breakIt }, body) => {
    const { name, on } = asObject(parseJson(body));
    if (typeof name !== 'string' || typeof on !== 'boolean')
      return json(400, { message: 'Send {"name":"stop-writer","on":true}.' });
    if (!(await breakIt.set(name, on)))
      return json(404, { message: `There is no fault "${name}": GET /_local/faults lists them.` });
    return json(200, { faults: breakIt.list() });
  },
  'GET /_local/demo': async ({ demo }) => json(200, demo()?.state() ?? { running: false }),
  'POST /_local/demo': async ({ demo }, body) => {
    const { running } = asObject(parseJson(body));
    if (typeof running !== 'boolean')
      return json(400, { message: 'Send {"running":false} or {"running":true}.' });
    const found = demo();
    if (found === undefined) return json(404, { message: 'This stack was started without a demo.' });
    await (running ? found.resume() : found.pause());
    return json(200, found.state());
  },
};

/** Pages of other sites may send requests to this machine, too; browsers state their origin. */
function isOwnPage({ headers }: IncomingMessage): boolean {
  const { origin, host = '' } = headers;
  const own = /^(127\.0\.0\.1|localhost)(:\d+)?$/.test(host);
  return own && (origin === undefined || origin === `http://${host}`);
}

function json(status: number, body: unknown): GatewayAnswer {
  return {
    status,
    headers: { 'content-type': 'application/json', 'cache-control': 'no-store' },
    body: JSON.stringify(body),
  };
}
