// Where the project is: handlers and the CDK app are named from here.
import { fileURLToPath } from 'node:url';

/** Absolute path of the project's root folder. */
export const projectRoot = fileURLToPath(new URL('..', import.meta.url));
