// Caches compiled modules on disk, so that commands and function threads start in half the time.
import { enableCompileCache } from 'node:module';
import { join } from 'node:path';
import { getEnvironmentData, isMainThread, setEnvironmentData } from 'node:worker_threads';

/** The cache's folder, for `NODE_COMPILE_CACHE` of other processes. */
export const compileCache = join(import.meta.dirname, '../node_modules/.cache/node');

// Coverage of cached code is less exact. Function threads do not see the variable that requests it.
const MEASURED = 'tally-coverage';
if (isMainThread) setEnvironmentData(MEASURED, process.env['NODE_V8_COVERAGE'] !== undefined);
if (getEnvironmentData(MEASURED) === false) enableCompileCache(compileCache);
