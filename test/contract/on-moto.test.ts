// The contract suite on moto: on the server that MOTO_ENDPOINT names, or on one of our own where Python has moto.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { after, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { registerContractSuite } from '../support/contract-suite.ts';
import { freePort } from '../support/free-port.ts';
import { LONG, onlyLong } from '../support/long.ts';

const { MOTO_ENDPOINT: given } = process.env;
const moto = given === undefined ? LONG && (await startMoto()) : { endpoint: given, stop: async () => {} };
if (moto === false) test('the contract suite on moto', onlyLong);
else if (moto === undefined) {
  test('the contract suite on moto', {
    skip: 'Python has no moto here: pip install "moto[server]", or name a server in MOTO_ENDPOINT',
  });
} else {
  Object.assign(process.env, {
    TALLY_CONTRACT_ENDPOINTS: 'moto',
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: 'moto',
    AWS_SECRET_ACCESS_KEY: 'moto',
    AWS_ENDPOINT_URL: moto.endpoint,
  });
  await registerContractSuite().catch(async (cause) => {
    await moto.stop();
    throw cause;
  });
  // After the hooks of the suite, which delete what it made.
  after(() => moto.stop());
}

/** @returns a running server; undefined where moto is not installed */
async function startMoto() {
  if (spawnSync('python3', ['-c', 'import moto.server']).status !== 0) return undefined;
  const port = await freePort();
  const server = spawn('python3', ['-m', 'moto.server', '-H', '127.0.0.1', '-p', `${port}`], {
    stdio: 'ignore',
  });
  const stop = async () => {
    server.kill();
    await once(server, 'exit');
  };
  const endpoint = `http://127.0.0.1:${port}`;
  for (let tries = 0; tries < 300; tries += 1) {
    const answers = await fetch(`${endpoint}/moto-api/`).then(
      ({ ok }) => ok,
      () => false,
    );
    if (answers) return { endpoint, stop };
    await pause(100);
  }
  await stop();
  throw new Error('moto does not answer');
}
