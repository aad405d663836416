// The commands on dead letters: what each reads, does and prints.
import { userInfo } from 'node:os';
import { Archive } from '../../lambdas/aws/archive.ts';
import type { Discarding } from '../../lambdas/dead-letter-ports.ts';
import { LedgerTable } from '../../lambdas/ledger/ledger-table.ts';
import { SqsDeadLetters } from '../../lambdas/redriver/dead-letters.aws.ts';
import {
  discardDropped,
  discardParked,
  discardWaiting,
  droppedPart,
  parkNow,
  replayParked,
  returnNow,
} from '../../lambdas/redriver/operate.ts';
import { StoreTable } from '../../lambdas/store/store-table.ts';
import { CommandError, exitCodes, UsageError } from '../shared/errors.ts';
import { onStack, type StackAccess, type StackName } from '../shared/stack-access.ts';
import { clock } from '../shared/store-access.ts';
import { confirm, progressBar } from '../shared/terminal.ts';
import { carryOut, type Moves, type Plan, plan } from './act.ts';
import type { DeadLetterFacts, Selection } from './facts.ts';
import { type DeadLetterPorts, findParked, findWaiting, waitingMessages } from './find.ts';
import { listed, page, planned, shown, summary, table } from './output.ts';

type Change = 'redrive' | 'park' | 'replay' | 'discard';

/** What to do. */
export type Action = 'list' | 'show' | Change;

/** The options given. */
export interface Flags extends StackName, Omit<Selection, 'names'> {
  readonly all?: boolean;
  readonly parked?: boolean;
  readonly max?: number;
  readonly json?: boolean;
  readonly dryRun?: boolean;
  readonly perSecond?: number;
  readonly why?: string;
  readonly by?: string;
  readonly yes?: boolean;
}

/** The flags, what they select, and a signal that Ctrl-C aborts. */
interface Options extends Flags {
  readonly selection: Selection;
  readonly signal: AbortSignal;
}

/** A part's name, or a poison message's. */
const NAME = /^([A-Za-z0-9]{1,8}\.[0-9a-z]+\.[0-9a-z]+\/\d+|poison\/[^/\s]+)$/;

/** Runs a command on the given stack. @returns its exit code @throws CommandError */
export async function runDeadLetters(
  action: Action,
  names: readonly string[],
  flags: Flags,
): Promise<number> {
  const misnamed = names.find((name) => !NAME.test(name));
  if (misnamed !== undefined)
    throw new UsageError(
      `"${misnamed}" is not the name of a dead letter: use SEGMENT/PART, such as 1.0.2s/0, or poison/MESSAGE.`,
    );
  const all = flags.all === true;
  if (action !== 'list' && action !== 'show' && all === names.length > 0)
    throw new UsageError(`Name the dead letters: ${action} NAME …, or ${action} --all.`);
  const stopping = new AbortController();
  // Finishes the current dead letter and releases the held ones; a second Ctrl-C exits at once.
  const stop = () => (stopping.signal.aborted ? process.exit(exitCodes.interrupted) : stopping.abort());
  process.on('SIGINT', stop).on('SIGTERM', stop);
  const selection = { ...flags, ...(names.length > 0 && { names: new Set(names) }) };
  const options = { ...flags, selection, signal: stopping.signal };
  try {
    return await onStack(flags, (stack) => {
      const ports = portsOf(stack);
      if (action === 'list') return list(options, ports);
      return action === 'show' ? show(options, ports) : change(action, options, ports);
    });
  } finally {
    process.off('SIGINT', stop).off('SIGTERM', stop);
  }
}

function portsOf({ resources, sqs, s3, dynamoDb }: StackAccess): DeadLetterPorts {
  const { deadLetterQueueUrl: deadLetterUrl, rollupQueueUrl: queueUrl } = resources;
  const parked = new Archive(s3, resources.archiveBucket);
  const deadLetters = new SqsDeadLetters(sqs, { deadLetterUrl, queueUrl }, parked);
  return {
    waiting: waitingMessages(sqs, deadLetterUrl, deadLetters),
    deadLetters,
    parked,
    ledger: new LedgerTable(dynamoDb, resources.ledgerTable, clock),
    deltas: new StoreTable(dynamoDb, resources.countsTable, clock),
    clock,
  };
}

async function list(
  { parked, max: most, json, selection, signal }: Options,
  ports: DeadLetterPorts,
): Promise<number> {
  const messages: DeadLetterFacts[] = [];
  if (parked) {
    for await (const facts of findParked(ports, selection)) {
      if (messages.length === most) break;
      messages.push(facts);
    }
  } else {
    const { before, found, read, complete } = await findWaiting(ports, selection, { most, signal });
    messages.push(...found.values());
    if (before.hidden > 0)
      console.error(`About ${before.hidden} more are hidden, held by the redriver or another command.`);
    if (!complete)
      console.error(`${read} of about ${before.visible} were read; --max N reads more, for 45 s at most.`);
  }
  if (json) console.log(JSON.stringify(messages.map(listed)));
  else if (messages.length > 0) console.log(table(messages));
  if (messages.length > 0) return exitCodes.done;
  console.error(`No ${parked ? 'parked' : 'waiting'} dead letter matches.`);
  return exitCodes.nothing;
}

async function show(
  { rows = false, json, selection, signal }: Options,
  ports: DeadLetterPorts,
): Promise<number> {
  const parked = await Array.fromAsync(findParked(ports, selection));
  const { found: waiting, carriers } = await findWaiting(ports, selection, { signal });
  const found = [...parked, ...waiting.values()];
  if (found.length === 0) throw notThere({ missing: [...(selection.names ?? [])], carriers });
  for (const facts of found) console.log(json ? JSON.stringify(shown(facts, rows)) : page(facts, rows));
  return exitCodes.done;
}

/** Carries out an action on the dead letters that it selects. @param ask the question before a discard */
export async function change(
  verb: Change,
  options: Options,
  ports: DeadLetterPorts,
  ask = confirm,
): Promise<number> {
  const { selection, signal, json, perSecond = 50 } = options;
  const moves = movesOf(options, ports)[verb];
  const found = await plan(moves, selection, ports, signal);
  const { missing } = found;
  const messages = [...found.waiting.values(), ...found.parked.values()];
  if (!found.complete) console.error('The queue has more than this command read: run it again.');
  if (missing.length > 0 && messages.length === 0) {
    if (verb === 'discard' && areGone(found)) return discardMissing(missing, options, ports, ask);
    throw notThere(found);
  }
  if (missing.length > 0) console.error(notThere(found).message);
  if (messages.length === 0) {
    console.error('Nothing to do: no dead letter matches.');
    return exitCodes.nothing;
  }
  if (options.dryRun) {
    if (json) console.log(JSON.stringify(messages.map(listed)));
    else console.log(`Would ${planned(verb, found)}:\n${table(messages)}`);
    return missing.length > 0 ? exitCodes.failed : exitCodes.done;
  }
  if (verb === 'discard' && !options.yes) {
    const question = `This will ${planned(verb, found)}; they will not be counted any more.`;
    await ask(question, verb, signal);
  }
  const bar = progressBar();
  let handled = 0;
  const onMessage = () => bar.show({ phase: verb, done: ++handled, of: messages.length });
  const carrying = { perSecond, signal, onMessage };
  const result = await carryOut(moves, found, ports, carrying).finally(bar.stop);
  const { done, failures, gone, left } = result;
  if (json) console.log(JSON.stringify({ ...Object.fromEntries(done), failures, gone, left, missing }));
  else console.log(summary(result));
  if (result.interrupted) return exitCodes.interrupted;
  const well = failures.length + gone.length + left + missing.length + (done.get('poison') ?? 0) === 0;
  return well ? exitCodes.done : exitCodes.failed;
}

/** Whether no message carries any of the names. */
function areGone({ waiting, parked, carriers, sawAll }: Plan): boolean {
  return sawAll && waiting.size + parked.size + carriers.size === 0;
}

/**
 * Discards parts whose messages are gone.
 * @throws CommandError if the ledger waits for none of them, or a message may have come while the question stood
 */
async function discardMissing(
  names: readonly string[],
  options: Options,
  ports: DeadLetterPorts,
  ask: typeof confirm,
): Promise<number> {
  const { selection, signal } = options;
  const dropped = await Array.fromAsync(names, (name) => droppedPart(name, ports));
  const gone = names.filter((_, index) => dropped[index] !== undefined);
  if (gone.length === 0) throw notThere({ missing: [...names], carriers: new Map() });
  console.error(`No message of ${gone.join(', ')} was found.`);
  if (options.dryRun) return exitCodes.done;
  const question =
    'This will discard them; they will not be counted any more, though a message may still be in the rollup queue.';
  if (!options.yes) {
    await ask(question, 'discard', signal);
    if (!areGone(await plan(movesOf(options, ports).discard, selection, ports, signal)))
      throw new CommandError(
        'Nothing was changed: a dead letter has come, or another command or the redriver holds one. Try again.',
      );
  }
  for (const name of gone)
    console.log(`${name}: ${await discardDropped(name, discardingOf(options), ports)}`);
  return gone.length < names.length ? exitCodes.failed : exitCodes.done;
}

function discardingOf({ why = '', by }: Options): Discarding {
  return { by: by ?? userInfo().username, at: new Date().toISOString(), why };
}

function movesOf(options: Options, ports: DeadLetterPorts): Readonly<Record<Change, Moves>> {
  const { parked } = options;
  const discarding = discardingOf(options);
  return {
    redrive: { waiting: (message) => returnNow(message, ports) },
    park: { waiting: (message) => parkNow(message, ports) },
    replay: { parked: (message) => replayParked(message, ports) },
    discard: {
      parked: (message) => discardParked(message, discarding, ports),
      ...(!parked && { waiting: (message) => discardWaiting(message, discarding, ports) }),
    },
  };
}

function notThere({ missing, carriers }: Pick<Plan, 'missing' | 'carriers'>): CommandError {
  const places = missing
    .filter((name) => carriers.has(name))
    .map((name) => ` ${name} is in the message ${carriers.get(name)}: name that.`);
  return new CommandError(
    `No dead letter ${missing.join(', ')}: if the redriver or another command holds it, try again in a minute; dead-letters list shows the others.${places.join('')}`,
  );
}
