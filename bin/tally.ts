#!/usr/bin/env node
// The command `tally`.
import '../local/compile-cache.ts';
import '../cli/shared/quiet-output.ts';

const { run } = await import('../cli/tally.ts');
await run(process.argv.slice(2));
