// The attacked process: a local stack that answers its parent. What it complains of goes to its standard error.
import { startLocalStack } from '../../local/stack.ts';
import { rollupQueueIn } from '../../local/template/names.ts';

const stack = await startLocalStack({
  onProblem: (message) => console.error(message),
  onCrash: (error) => console.error(`an emulator ended: ${error.message}`),
});

/** What it uses after collecting garbage. */
export type Memory = ReturnType<typeof memory>;

function memory() {
  // Twice: the second round collects what the first one finalizes.
  globalThis.gc?.();
  globalThis.gc?.();
  const { heapUsed, external, rss } = process.memoryUsage();
  return { heapBytes: heapUsed + external, rssBytes: rss };
}

process.on('message', () => process.send?.(memory()));
process.once('disconnect', () => process.exit());

const places = {
  port: Number(new URL(stack.url).port),
  kinesis: stack.endpoints.kinesis,
  sqs: stack.endpoints.sqs,
  StreamName: stack.template
    .ofType('AWS::Kinesis::Stream')
    .map(({ name }) => name)
    .join(),
  QueueUrl: rollupQueueIn(stack.template).ref,
};
/** Where the victim can be attacked: the first message to its parent. */
export type Places = typeof places;
process.send?.(places);
