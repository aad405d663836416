// Worker thread: SQS and S3, by fauxqs.
import { repairFauxqs } from './fauxqs-repairs.ts';
import { options, serve } from './worker.ts';

// The repairs must be in place before fauxqs opens its server and its database.
await repairFauxqs(options.dataDir);
const { startFauxqs } = await import('fauxqs');

const server = await startFauxqs({
  port: 0,
  host: '127.0.0.1',
  logger: false,
  ...(options.dataDir === undefined ? {} : { dataDir: options.dataDir }),
});
serve(server.port, () => server.stop());
