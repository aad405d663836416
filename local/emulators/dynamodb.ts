// Worker thread: DynamoDB, by dynalite.
import dynalite from 'dynalite';
import { options, serveHttp } from './worker.ts';

await serveHttp(
  dynalite({
    createTableMs: 0,
    deleteTableMs: 0,
    updateTableMs: 0,
    ...(options.dataDir !== undefined && { path: options.dataDir }),
  }),
);
