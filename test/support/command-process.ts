// Runs command lines one after another, for `commands.ts`.
import '../../local/compile-cache.ts';
import { run } from '../../cli/tally.ts';
import { createClock, followClock } from '../../local/clock.ts';

/** How a command ended. */
export interface Ended {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Collects what is written to a stream, until it is taken. */
function captured(stream: NodeJS.WriteStream): () => string {
  let text = '';
  stream.write = (part: string | Uint8Array) => {
    text += typeof part === 'string' ? part : Buffer.from(part).toString();
    return true;
  };
  return () => {
    const taken = text;
    text = '';
    return taken;
  };
}

const [out, err] = [captured(process.stdout), captured(process.stderr)];
const { offset } = createClock();
followClock(offset);
let last = Promise.resolve();

process.on('message', ([args, cwd, aheadMs]: [string[], string, number]) => {
  last = last.then(async () => {
    process.chdir(cwd);
    new BigInt64Array(offset).set([BigInt(aheadMs)]);
    process.exitCode = 0;
    await run(args);
    const ended: Ended = { code: Number(process.exitCode), out: out(), err: err() };
    process.send?.(ended);
  });
});
