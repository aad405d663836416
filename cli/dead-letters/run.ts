// The commands on dead letters: what each reads, does and prints. shell.ts is the shell around them.
import {
  discardParked,
  discardWaiting,
  parkNow,
  replayParked,
  returnNow,
} from '../../lambdas/redriver/operate.ts';
import { CommandError, exitCodes } from '../shared/errors.ts';
import type { StackName } from '../shared/stack-access.ts';
import type { ProgressBar } from '../shared/terminal.ts';
import { type Action, carryOut, plan } from './act.ts';
import type { DeadLetterFacts, Selection } from './facts.ts';
import { findParked, findWaiting } from './find.ts';
import { listed, page, planned, shown, summary, table } from './output.ts';
import type { DeadLetterPorts } from './ports.ts';

type Change = 'redrive' | 'park' | 'replay' | 'discard';

/** What to do, and the flags. */
export interface Options {
  readonly action: 'list' | 'show' | Change;
  readonly stack: StackName;
  readonly selection: Selection;
  readonly parked?: boolean;
  readonly max?: number;
  readonly rows?: boolean;
  readonly json?: boolean;
  readonly dryRun?: boolean;
  readonly perSecond?: number;
  readonly why?: string;
  readonly by?: string;
  readonly yes?: boolean;
}

/** A command's output: results, notes, questions, progress. */
export interface CommandOutput {
  result(text: string): void;
  note(text: string): void;
  /** @throws CommandError when the answer is no, or there is no terminal */
  confirm(question: string, word: string): Promise<void>;
  readonly progress: ProgressBar;
  /** The operator's user name. */
  readonly user: string;
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal;
}

/** Runs a command. @returns its exit code @throws CommandError */
export async function run(options: Options, ports: DeadLetterPorts, output: CommandOutput): Promise<number> {
  const { action } = options;
  if (action === 'list') return list(options, ports, output);
  if (action === 'show') return show(options, ports, output);
  return change(action, options, ports, output);
}

async function list(options: Options, ports: DeadLetterPorts, output: CommandOutput): Promise<number> {
  const messages: DeadLetterFacts[] = [];
  if (options.parked) {
    for await (const { facts } of findParked(ports, options.selection)) {
      if (messages.length === options.max) break;
      messages.push(facts);
    }
  } else {
    const before = await ports.waiting.depth();
    const { found, read, complete } = await findWaiting(ports, options.selection, options.max);
    messages.push(...found.values());
    if (before.hidden > 0)
      output.note(`About ${before.hidden} more are hidden, held by the redriver or another command.`);
    if (!complete)
      output.note(`${read} of about ${before.visible} were read; --max N reads more, for 45 s at most.`);
  }
  if (options.json) output.result(JSON.stringify(messages.map(listed)));
  else if (messages.length > 0) output.result(table(messages, ports.clock.nowMs()));
  if (messages.length > 0) return exitCodes.done;
  output.note(options.parked ? 'No parked dead letter matches.' : 'No waiting dead letter matches.');
  return exitCodes.nothing;
}

async function show(options: Options, ports: DeadLetterPorts, output: CommandOutput): Promise<number> {
  const { rows = false } = options;
  const found: DeadLetterFacts[] = [];
  for await (const { facts } of findParked(ports, options.selection)) found.push(facts);
  found.push(...(await findWaiting(ports, options.selection)).found.values());
  const [name = ''] = options.selection.names ?? [];
  if (found.length === 0) throw notThere([name]);
  for (const facts of found) {
    output.result(options.json ? JSON.stringify(shown(facts, rows)) : page(facts, rows));
  }
  return exitCodes.done;
}

async function change(
  verb: Change,
  options: Options,
  ports: DeadLetterPorts,
  output: CommandOutput,
): Promise<number> {
  const action = actionsOf(options, ports, output)[verb];
  const { selection } = options;
  const found = await plan(action, selection, ports);
  const total = found.waiting.size + found.parked.size;
  if (found.missing.length > 0 && total === 0) throw notThere(found.missing);
  if (found.missing.length > 0) output.note(notThere(found.missing).message);
  if (!found.complete) output.note('The queue has more than this command read: run it again.');
  if (total === 0) {
    output.note('Nothing to do: no dead letter matches.');
    return exitCodes.nothing;
  }
  if (options.dryRun) {
    const messages = [...found.waiting.values(), ...found.parked.values()];
    if (options.json) output.result(JSON.stringify(messages.map(listed)));
    else output.result(`Would ${planned(verb, found)}:\n${table(messages, ports.clock.nowMs())}`);
    return found.missing.length > 0 ? exitCodes.failed : exitCodes.done;
  }
  if (verb === 'discard' && !options.yes)
    await output.confirm(`This will ${planned(verb, found)}; they will not be counted any more.`, verb);
  const { perSecond = 50 } = options;
  const { signal, progress } = output;
  let handled = 0;
  const onMessage = () => progress.show({ phase: verb, done: ++handled, of: total });
  const result = await carryOut(action, found, ports, { perSecond, signal, onMessage }).finally(
    progress.stop,
  );
  const { done, failures, gone } = result;
  if (options.json)
    output.result(JSON.stringify({ ...Object.fromEntries(done), failures, gone, missing: found.missing }));
  else output.result(summary(result));
  if (result.interrupted) return exitCodes.interrupted;
  const well = failures.length + gone.length + found.missing.length + (done.get('poison') ?? 0) === 0;
  return well ? exitCodes.done : exitCodes.failed;
}

function actionsOf(
  { parked = false, why = '', by }: Options,
  ports: DeadLetterPorts,
  { user }: CommandOutput,
): Readonly<Record<Change, Action>> {
  const discarding = { by: by ?? user, at: new Date(ports.clock.nowMs()).toISOString(), why };
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

function notThere(names: readonly string[]): CommandError {
  return new CommandError(
    `No dead letter ${names.join(', ')}: if another command holds it, try again in a minute; dead-letters list shows the others.`,
  );
}
