// Loaded before every test file of `npm test`: compiled modules are kept, and promises are not tracked.
import '../../local/compile-cache.ts';
import { createRequire } from 'node:module';

// The test runner follows every promise by async hooks, to say which test a stray error came from. That takes half of the
// processor time of tests with many promises. Without them a stray error still fails its file.
const hooks = createRequire(import.meta.url)('node:async_hooks') as typeof import('node:async_hooks');
const { createHook } = hooks;
hooks.createHook = (callbacks) => {
  const isRunner = new Error().stack?.includes('node:internal/test_runner') === true;
  return isRunner ? createHook({}) : createHook(callbacks);
};
