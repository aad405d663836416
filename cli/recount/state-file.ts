// The saved state that a recount resumes from.
import { readFile, rename, writeFile } from 'node:fs/promises';
import { jsonIn } from '../../lambdas/core/json.ts';
import type { RecountState } from '../../lambdas/recount/ports.ts';
import { systemCode, UsageError } from '../shared/errors.ts';

/** Reads a state. @returns undefined when there is none @throws UsageError when it belongs to another recount */
export async function readStateFile(file: string, what: string): Promise<RecountState | undefined> {
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw error;
  });
  if (text === undefined) return undefined;
  const other = (why: string) =>
    new UsageError(`${file} ${why}: delete it, or name another with --state FILE.`);
  const state = jsonIn(text) as RecountState | null | undefined;
  if (state?.v !== 1) throw other('is not the state of a recount');
  if (state.what !== what) throw other(`is of another recount (${state.what})`);
  return state;
}

/** Replaces the file atomically. */
export async function writeStateFile(file: string, state: RecountState): Promise<void> {
  await writeFile(`${file}.new`, JSON.stringify(state));
  await rename(`${file}.new`, file);
}
