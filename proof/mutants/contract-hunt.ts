// Hunts for a failing contract test in its own tree. Prints one line of JSON: the first test that failed, or null.
import { relative } from 'node:path';
import { run } from 'node:test';

const root = process.cwd();
const files = process.argv.slice(2);
// AWS in memory finds what the emulators find, in a tenth of the time; a few tests need a real endpoint.
if (!files.some((file) => /generations|faulty-answers/.test(file)))
  process.env['TALLY_CONTRACT_ENDPOINTS'] = 'fake';
// Properties are tried as often as they can be.
process.env['TALLY_LONG'] = '1';
let caught: { by: string } | null = null;
for await (const { type, data } of run({ files: files.map((file) => `${root}/${file}`), concurrency: 1 })) {
  // The first to fail is the innermost.
  if (type !== 'test:fail' || caught !== null) continue;
  const file = relative(root, data.file ?? '');
  // If the file itself is the failed test, it could not be loaded or its process died, which proves nothing.
  if (files.some((own) => data.name.endsWith(own))) throw new Error(`${data.name} failed as a whole`);
  caught = { by: `${file} "${data.name}"` };
}
console.log(JSON.stringify(caught));
