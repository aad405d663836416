// The project's location, which paths of handlers and the CDK app are relative to.
import { fileURLToPath } from 'node:url';

/** Absolute path of the project's root folder. */
export const projectRoot = fileURLToPath(new URL('..', import.meta.url));
