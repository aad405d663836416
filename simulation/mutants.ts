// The mutants' command line: sabotages a copy of the code in every known way, and expects each to be caught.
// A word as argument takes only those whose names hold it; `--explore` asks what the exploration alone sees.
import { spawn } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import pLimit from 'p-limit';
import { REDRIVE_SABOTAGES } from './mutants/redrive-sabotages.ts';
import { AGGREGATOR_SABOTAGES, type Sabotage } from './mutants/sabotages.ts';
import { WRITER_SABOTAGES } from './mutants/writer-sabotages.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const UNCHANGED: Sabotage = { name: 'nothing changed', edits: [] };
const { values, positionals } = parseArgs({
  options: { explore: { type: 'boolean' } },
  allowPositionals: true,
});
const [word = ''] = positionals;
/** Seeds to try, and states of each small world; with `--explore` the exploration hunts alone. */
const EFFORT = values.explore ? ['0', '8000'] : ['1500', '20000'];
const say = (text: string) => process.stdout.write(`${text}\n`);

/** Copies the tree, changes it, hunts in it. @returns the hunt's line, parsed */
async function run(sabotage: Sabotage): Promise<{ by: string; promise: string } | null> {
  const folder = await mkdtemp(join(tmpdir(), 'tally-mutant-'));
  try {
    for (const part of ['lambdas', 'simulation', 'package.json'])
      await cp(join(ROOT, part), join(folder, part), { recursive: true });
    await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
    for (const { file, find, put } of sabotage.edits) {
      const path = join(folder, file);
      const text = await readFile(path, 'utf8');
      if (text.split(find).length !== 2)
        throw new Error(`"${sabotage.name}" does not apply to ${file}: ${find}`);
      await writeFile(
        path,
        text.replace(find, () => put),
      );
    }
    if (sabotage.harmless !== undefined) return null;
    return JSON.parse(await hunt(join(folder, 'simulation/mutants/hunt.ts')));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function hunt(script: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [script, ...EFFORT], { stdio: ['ignore', 'pipe', 'pipe'] });
    const output: string[] = [];
    const errors: string[] = [];
    child.stdout.on('data', (text) => output.push(String(text)));
    child.stderr.on('data', (text) => errors.push(String(text)));
    child.on('error', reject);
    // A mutant that can not even be loaded proves nothing.
    child.on('close', (code) => (code === 0 ? resolve(output.join('')) : reject(new Error(errors.join('')))));
  });
}

const limit = pLimit(availableParallelism());
let bad = 0;
let caughtCount = 0;
const sabotages = [UNCHANGED, ...AGGREGATOR_SABOTAGES, ...WRITER_SABOTAGES, ...REDRIVE_SABOTAGES].filter(
  ({ name }) => name.includes(word),
);
await Promise.all(
  sabotages.map((sabotage) =>
    limit(async () => {
      const startMs = performance.now();
      const expected = sabotage !== UNCHANGED && sabotage.harmless === undefined;
      let outcome: string;
      try {
        const caught = await run(sabotage);
        if ((caught !== null) !== expected) bad += 1;
        if (caught !== null) caughtCount += 1;
        outcome =
          caught === null
            ? expected
              ? 'NOT CAUGHT'
              : (sabotage.harmless ?? 'green')
            : `${caught.by}: ${caught.promise}`;
      } catch (error) {
        bad += 1;
        outcome = `ERROR ${error instanceof Error ? error.message : String(error)}`;
      }
      say(`${sabotage.name.padEnd(48)} ${outcome} (${((performance.now() - startMs) / 1000).toFixed(1)} s)`);
    }),
  ),
);
say(`${caughtCount} caught, ${bad} not as expected`);
process.exitCode = bad === 0 ? 0 : 1;
