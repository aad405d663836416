// A data folder that is damaged: the error names it, and says what to do.
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { lockDataFolder } from '../../local/data-folder.ts';
import { startEmulator } from '../../local/emulators/emulators.ts';
import { temporaryFolder } from '../support/folder.ts';

const folder = temporaryFolder();

for (const [name, files] of [
  ['dynamodb', { 'MANIFEST-000004': 'of tables' }],
  ['kinesis', { CURRENT: 'MANIFEST-000004\n', 'MANIFEST-000004': 'garbage' }],
  ['sqs-and-s3', { 'fauxqs.db': 'garbage' }],
] as const) {
  test(`${name}: ${Object.keys(files).join(', ')}`, async () => {
    const data = await mkdtemp(join(folder, 'data-'));
    await mkdir(join(data, name));
    for (const [file, text] of Object.entries(files)) await writeFile(join(data, name, file), text);
    // LevelDB opens behind the first answer.
    const error = await new Promise((failed) => {
      startEmulator(name, { dataDir: data, onCrash: failed }).catch(failed);
    });
    assert.match(
      String(error),
      /LocalStackError: The data in .*data-.* is damaged, .* start with another --data folder\.$/,
    );
  });
}

test('a damaged lock is not treated as another stack', async () => {
  const data = await mkdtemp(join(folder, 'data-'));
  await writeFile(join(data, 'lock'), 'garbage, longer than a header would be');
  assert.throws(() => lockDataFolder(data), /The file .*lock is damaged: delete it, and start again\./);
});
