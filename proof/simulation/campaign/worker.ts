// A worker thread of a campaign: takes ranges of seeds, and returns tallies.
import { parentPort } from 'node:worker_threads';
import { runSeeds } from './batch.ts';

// Stacks of errors that are part of a history are never read.
Error.stackTraceLimit = 0;

parentPort?.on('message', async ([from, to]: [number, number]) => {
  parentPort?.postMessage(await runSeeds(from, to));
});
