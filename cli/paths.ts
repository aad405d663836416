// Paths relative to the caller's folder.
import { join, resolve } from 'node:path';

const PACKAGE = join(import.meta.dirname, '..');

/** Makes a path from the command line absolute: `npm run` changes into the package's folder, and provides the caller's in a variable. */
export function callersPath(name: string): string {
  const caller = process.env['INIT_CWD'];
  const byNpm = process.env['npm_lifecycle_event'] !== undefined && process.cwd() === PACKAGE;
  return resolve(byNpm && caller !== undefined ? caller : process.cwd(), name);
}
