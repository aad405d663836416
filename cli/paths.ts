// Paths as the caller means them.
import { join, resolve } from 'node:path';

const PACKAGE = join(import.meta.dirname, '..');

/** A path given on the command line, absolute: `npm run` changes into the package's folder, and says where its caller was. */
export function callersPath(name: string): string {
  const caller = process.env['INIT_CWD'];
  const byNpm = process.env['npm_lifecycle_event'] !== undefined && process.cwd() === PACKAGE;
  return resolve(byNpm && caller !== undefined ? caller : process.cwd(), name);
}
