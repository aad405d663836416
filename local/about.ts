// What the local stack tells an operator's commands: where its services are. AWS has no such route.
import type { Api } from './api-gateway/api.ts';
import type { Endpoints } from './emulators/emulators.ts';
import { credentials, region } from './identity.ts';
import { localStage } from './synthesize.ts';

/** The path that is answered; no name of an API's resource begins with an underscore. */
export const aboutPath = '/_local';

/** What `GET /_local` says. Resource names are where they are on AWS: in the parameter `/tally/<stage>/resources`. */
export interface About {
  readonly stage: string;
  readonly region: string;
  readonly credentials: typeof credentials;
  readonly endpoints: Endpoints;
}

/** The API, and in front of it the route that tells about the stack. */
export function withAbout(api: Api, endpoints: Endpoints): Api {
  const about: About = { stage: localStage, region, credentials, endpoints };
  return async (incoming) =>
    incoming.method === 'GET' && incoming.url === aboutPath
      ? { status: 200, headers: { 'content-type': 'application/json' }, body: JSON.stringify(about) }
      : api(incoming);
}
