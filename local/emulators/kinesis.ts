// Worker thread: Kinesis, by kinesalite.
import kinesalite from 'kinesalite';
import { options, serveHttp } from './worker.ts';

await serveHttp(
  kinesalite({
    createStreamMs: 0,
    deleteStreamMs: 0,
    updateStreamMs: 0,
    shardLimit: 1_000,
    ...(options.dataDir !== undefined && { path: options.dataDir }),
  }),
);
