// The mutants' command line: applies every known mutation to a copy of the code, and expects each to be caught.
// Arguments select the mutations whose names contain one of them; `--explore` hunts with the exploration alone.
import { execFile } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs, promisify } from 'node:util';
import pLimit from 'p-limit';
import { edited, MUTATIONS, type Mutation } from './mutants/mutation.ts';

/** What a hunt found: the seed, the small world or the contract test, and the broken promise if it has a name. */
interface Caught {
  readonly by: string;
  readonly promise?: string;
}

const ROOT = join(import.meta.dirname, '..');
const COPIED = 'api client/src fake-aws formats lambdas local proof test package.json'.split(' ');
/** What is green must stay green. */
const CONTROLS: readonly Mutation[] = [
  { name: 'nothing changed', edits: [] },
  {
    name: 'adapter: nothing changed',
    edits: [],
    tests: [...new Set(MUTATIONS.flatMap(({ tests = [] }) => tests))],
  },
];
const { values, positionals } = parseArgs({
  options: { explore: { type: 'boolean' } },
  allowPositionals: true,
});
const words = positionals.length > 0 ? positionals : [''];
/** Seeds to try, and states of each small world; with `--explore` the exploration hunts alone. */
const EFFORT = values.explore ? ['0', '8000'] : ['150', '1500'];
const execute = promisify(execFile);

/** Copies the tree, changes it, hunts in it. */
async function run(mutation: Mutation): Promise<Caught | null> {
  const folder = await mkdtemp(join(tmpdir(), 'tally-mutant-'));
  try {
    for (const part of COPIED) await cp(join(ROOT, part), join(folder, part), { recursive: true });
    await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
    for (const edit of mutation.edits) {
      const path = join(folder, edit.file);
      await writeFile(path, edited(await readFile(path, 'utf8'), edit));
    }
    if (mutation.harmless !== undefined) return null;
    const script = mutation.tests === undefined ? 'hunt.ts' : 'contract-hunt.ts';
    const args = [join(folder, 'proof/mutants', script), ...(mutation.tests ?? EFFORT)];
    // A mutant that does not load proves nothing: this throws.
    const options = { cwd: folder, maxBuffer: Number.POSITIVE_INFINITY };
    const { stdout } = await execute(process.execPath, args, options);
    return JSON.parse(stdout);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Judges one mutation. @returns whether its result is as expected, and a line that describes it */
async function judge(mutation: Mutation): Promise<{ good: boolean; outcome: string }> {
  const { harmless, unexplored } = mutation;
  if (values.explore && unexplored !== undefined)
    return { good: true, outcome: `not explored: ${unexplored}` };
  try {
    const caught = await run(mutation);
    const isControl = CONTROLS.includes(mutation);
    if (caught !== null) {
      const outcome = caught.promise === undefined ? caught.by : `${caught.by}: ${caught.promise}`;
      return { good: !isControl, outcome };
    }
    if (harmless !== undefined) return { good: true, outcome: `harmless: ${harmless}` };
    return isControl ? { good: true, outcome: 'green' } : { good: false, outcome: 'NOT CAUGHT' };
  } catch (error) {
    return { good: false, outcome: `ERROR ${error instanceof Error ? error.message : String(error)}` };
  }
}

const mutations = [...CONTROLS, ...MUTATIONS]
  .filter(({ name }) => words.some((word) => name.includes(word)))
  .filter(({ tests }) => !values.explore || tests === undefined);
if (mutations.length === 0) {
  console.error(`There is no mutation "${words.join(' ')}"; proof/mutants/ has their names.`);
  process.exit(2);
}
const limit = pLimit(availableParallelism());
let bad = 0;
const hunts = mutations.map((mutation) =>
  limit(async () => {
    const startMs = performance.now();
    const { good, outcome } = await judge(mutation);
    if (!good) bad += 1;
    const seconds = ((performance.now() - startMs) / 1000).toFixed(1);
    console.log(`${mutation.name.padEnd(52)} ${outcome} (${seconds} s)`);
  }),
);
await Promise.all(hunts);
console.log(`${mutations.length} mutations, ${bad} not as expected`);
process.exitCode = bad === 0 ? 0 : 1;
