// `tally follow`: like `tail -F`, for counting.
import { hostname } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import PQueue from 'p-queue';
import type { FollowPorts } from './follow/followed-file.ts';
import { followerOf } from './follow/follower.ts';
import { followPipe } from './follow/pipe.ts';
import { addDeliveryOptions, type DeliveryFlags, deliverySettings } from './import/delivery-options.ts';
import { Figures } from './import/figures.ts';
import type { ImportSettings } from './import/import-file.ts';
import { rejectsFile } from './import/rejects.ts';
import { stderrReporter, summary } from './import/report.ts';
import { callersPath } from './paths.ts';
import { connect, serviceOptions } from './service.ts';
import { exitCodes, UsageError } from './shared/errors.ts';
import { commandOf } from './shared/options.ts';
import { stopOnSignals } from './shared/signals.ts';

const POLL_MS = 200;
/** Grace period for requests in flight after a signal. */
const GRACE_MS = 5_000;

interface FollowFlags extends DeliveryFlags {
  readonly stdin?: boolean;
  readonly name: string;
}

export const followCommand = addDeliveryOptions(
  commandOf(
    'follow',
    'Count lines as they are written to log files, through rotations and restarts; run it again to continue.',
    `npx tally follow /var/log/nginx/access.log --url http://127.0.0.1:8787
journalctl -f -o cat -u caddy | npx tally follow --stdin --name caddy --url http://127.0.0.1:8787`,
    `0 ended by a signal; 1 the service refuses; 2 wrong usage, or a file cannot be read;
3 uncertain requests wait for --resume-uncertain.`,
  ).argument('[file...]', 'files, which need not exist yet'),
)
  .optionsGroup('A pipe:')
  .option('--stdin', 'read standard input instead of files; a killed process loses what it had not sent')
  .option('--name <name>', "--stdin: the stream's name", hostname())
  .action(async (files: string[], flags: FollowFlags) => {
    process.exitCode = await follow(files, flags);
  });

async function follow(files: readonly string[], flags: FollowFlags): Promise<number> {
  const { concurrency, stdin = false } = flags;
  const options = serviceOptions(flags);
  if (stdin === files.length > 0) throw new UsageError('name the files to follow, or use --stdin');
  const settingsFor = deliverySettings(flags);
  const failed = new AbortController();
  const { stop, kill, begin } = stopOnSignals(GRACE_MS, () => process.stdin.destroy());
  const service = await connect(options, stop.signal);
  if (service === undefined) return exitCodes.done;
  const rejects = flags.rejects === undefined ? undefined : await rejectsFile(flags.rejects, files);
  const figures = new Figures();
  const reporter = stderrReporter(stdin ? '-' : files.join(' '), rejects);
  const ports: FollowPorts = {
    sender: service.client,
    now: Date.now,
    stop: stop.signal,
    kill: kill.signal,
    queue: new PQueue({ concurrency }),
    reporter,
    figures,
    fail(error) {
      failed.abort(error);
      begin();
      process.stdin.destroy();
    },
  };
  const settings = settingsFor(service.id);
  try {
    if (stdin) {
      console.error('following standard input');
      await followPipe(process.stdin, flags.name, settings, ports);
    } else await followFiles(files, settings, ports);
  } finally {
    reporter.end();
    await rejects?.close();
    console.error(summary(stdin ? flags.name : files.join(' '), 'followed', figures, false));
  }
  failed.signal.throwIfAborted();
  return figures.uncertain > 0 ? exitCodes.uncertain : exitCodes.done;
}

async function followFiles(
  files: readonly string[],
  settings: ImportSettings,
  ports: FollowPorts,
): Promise<void> {
  const followers = files.map((name) => followerOf(name, callersPath(name), settings, ports));
  try {
    for (const follower of followers) await follower.start();
    console.error(`following ${files.join(', ')}`);
    while (!ports.stop.aborted) {
      let grew = false;
      for (const follower of followers) grew = (await follower.step()) || grew;
      // As fast as the service accepts data, otherwise a few times a second.
      if (grew) await ports.queue.onSizeLessThan(settings.concurrency * 2);
      else await delay(POLL_MS, undefined, { signal: ports.stop }).catch(() => {});
    }
  } finally {
    for (const follower of followers) await follower.close();
  }
}
