// Parameters: the template's values, replaced by a file or by PutParameter while the stack runs.
import assert from 'node:assert/strict';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { type AwsJsonClient, createAwsJsonClient } from '../../local/emulators/aws-json.ts';
import { startParameters } from '../../local/emulators/parameters.ts';
import { asObject } from '../../local/json.ts';
import { temporaryFolder } from '../support/folder.ts';

const folder = temporaryFolder();

async function start(file?: string): Promise<AwsJsonClient> {
  const parameters = await startParameters(new Map([['/a', '{"attempts":3}']]), file);
  const ssm = createAwsJsonClient('ssm', parameters.endpoint);
  after(parameters.stop);
  return ssm;
}

const get = async (ssm: AwsJsonClient, Name: string) =>
  asObject((await ssm.call('GetParameter', { Name }))['Parameter'])['Value'];

test('a value comes from the template', async () => {
  const ssm = await start();
  assert.equal(await get(ssm, '/a'), '{"attempts":3}');
  await assert.rejects(get(ssm, '/none'), { code: 'ParameterNotFound' });
});

test('a file replaces it, as text or as JSON, from one request to the next', async () => {
  const file = join(folder, 'parameters.json');
  const ssm = await start(file);
  assert.equal(await get(ssm, '/a'), '{"attempts":3}');
  await writeFile(file, '{"/a":{"attempts":5},"/b":"text"}');
  assert.equal(await get(ssm, '/a'), '{"attempts":5}');
  assert.equal(await get(ssm, '/b'), 'text');
  await writeFile(file, '{"/a":{"attempts":');
  assert.equal(await get(ssm, '/a'), '{"attempts":5}');
  await rm(file);
  assert.equal(await get(ssm, '/a'), '{"attempts":3}');
});

test('PutParameter replaces it, in the file where there is one', async () => {
  const file = join(folder, 'put.json');
  for (const ssm of [await start(), await start(file)]) {
    await ssm.call('PutParameter', { Name: '/a', Value: '{"attempts":7}', Overwrite: true });
    assert.equal(await get(ssm, '/a'), '{"attempts":7}');
  }
  assert.deepEqual(JSON.parse(await readFile(file, 'utf8')), { '/a': { attempts: 7 } });
});
