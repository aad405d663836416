// The action of `tally delete-entity`: deletes an entity's stored data, or reports what would be deleted.
import { setTimeout as delay } from 'node:timers/promises';
import { DeltasMissing } from '../../lambdas/compactor/epoch-rows.ts';
import { retentionsKept } from '../../lambdas/core/watermark.ts';
import { S3ArchiveCleaner } from '../../lambdas/deletion/archive-cleaner.aws.ts';
import { deleteEntity } from '../../lambdas/deletion/delete-entity.ts';
import type { DeletionPorts, DeletionReport } from '../../lambdas/deletion/ports.ts';
import type { DeleteEntityOptions } from '../delete-entity.ts';
import { exitCodes } from '../shared/errors.ts';
import { onStack, type StackAccess } from '../shared/stack-access.ts';
import { clock, compactNow, openStore, type StoreAccess } from '../shared/store-access.ts';
import { confirm } from '../shared/terminal.ts';

/** Runs the command. @returns its exit code */
export async function runDeleteEntity(entity: string, given: DeleteEntityOptions): Promise<number> {
  const { archive = false, dryRun = false, yes = false, wait } = given;
  return onStack(given, async (stack) => {
    const access = openStore(stack);
    const ports = portsOf(stack, access);
    const retentions = retentionsKept(await access.ledger.readWatermark(), access.settings.retentions);
    const settings = { retentions, patienceMs: wait * 1000 };
    // Compacted rows can be found.
    await ports.pause(0);
    const pass = (dryRun: boolean) =>
      deleteEntity(entity, ports, settings, { dryRun, archive, onProgress: overwrite }).finally(() =>
        overwrite(''),
      );
    const found = await pass(true);
    console.log(`${stack.label}: ${sentence(found, archive)}`);
    if (dryRun) return exitCodeOf(found);
    if (!yes) await confirm('Deleting cannot be undone.', 'yes');
    const deleted = await pass(false);
    console.log(`Deleted: ${sentence(deleted, archive)}`);
    if (!deleted.settled) console.log('What waits for compaction is in no answer, and never enters a block.');
    console.log('A record without the name is in the archive under deletions/.');
    return exitCodeOf(deleted);
  });
}

function portsOf({ s3, resources }: StackAccess, access: StoreAccess): DeletionPorts {
  const { state, store, rewriter } = access;
  let said = '';
  return {
    state,
    store,
    rewriter,
    archive: new S3ArchiveCleaner(s3, resources.archiveBucket),
    clock,
    async pause(ms) {
      await compactNow(access).catch((error: unknown) => {
        // Compaction has its own alarm for missing deltas; the register already contains the deletion.
        if (!(error instanceof DeltasMissing)) throw error;
        // A planned epoch holds the deletion up, until its deltas are repaired: the operator must know.
        if (said !== error.message)
          console.error(`Compaction stands still (docs/runbook.md#deltas-missing): ${error.message}`);
        said = error.message;
      });
      await delay(ms);
    },
  };
}

/** Shows a line that the next one overwrites, on a terminal. */
function overwrite(line: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\u001b[K${line}`);
}

function exitCodeOf({ archive }: DeletionReport): number {
  return archive.byHand.length === 0 ? exitCodes.done : exitCodes.failed;
}

function sentence({ events, rows, deltas, late, tops, archive }: DeletionReport, archived: boolean): string {
  const blocks = rows.hours + rows.days + rows.months + rows.all;
  const counts = `${events} events; ${blocks} rows in blocks, ${deltas + late} deltas, ${tops} top lists`;
  if (!archived) return `${counts}; the archive was not read`;
  const byHand = archive.byHand.map((key) => `\n  check by hand: ${key}`).join('');
  return `${counts}; ${archive.removed} of ${archive.objects} archived objects whole, parts of ${archive.rewritten}${byHand}`;
}
