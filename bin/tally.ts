#!/usr/bin/env node
// The command `tally`.
import { run } from '../cli/tally.ts';

await run(process.argv.slice(2));
