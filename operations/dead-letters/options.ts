// The command line of `npm run dead-letters`.
import { parseArgs } from 'node:util';
import { exitCodes, OperatorError } from '../errors.ts';
import type { StackName } from '../stack-access.ts';
import type { Selection } from './facts.ts';

const COMMANDS = ['list', 'show', 'redrive', 'park', 'replay', 'discard'] as const;

/** What is to be done. */
export type Command = (typeof COMMANDS)[number];

/** What was asked for. */
export interface Options {
  readonly command: Command;
  readonly stack: StackName;
  readonly selection: Selection;
  readonly parked: boolean;
  readonly max: number;
  readonly rows: boolean;
  readonly json: boolean;
  readonly dryRun: boolean;
  readonly perSecond: number;
  readonly why: string | undefined;
  readonly by: string | undefined;
  readonly yes: boolean;
}

const OPTIONS = {
  url: { type: 'string' },
  stage: { type: 'string' },
  all: { type: 'boolean', default: false },
  reason: { type: 'string' },
  entity: { type: 'string' },
  segment: { type: 'string' },
  parked: { type: 'boolean', default: false },
  max: { type: 'string', default: '1000' },
  rows: { type: 'boolean', default: false },
  json: { type: 'boolean', default: false },
  'dry-run': { type: 'boolean', default: false },
  'per-second': { type: 'string', default: '50' },
  why: { type: 'string' },
  by: { type: 'string' },
  yes: { type: 'boolean', default: false },
  help: { type: 'boolean', short: 'h', default: false },
} as const;

/** A part's name, or a poison message's. */
const NAME = /^([A-Za-z0-9]{1,8}\.[0-9a-z]+\.[0-9a-z]+\/\d+|poison\/[^/\s]+)$/;

/** Reads the command line; undefined when it asks for help. @throws OperatorError that says what is wrong with it */
export function readOptions(args: readonly string[]): Options | undefined {
  const { values, positionals } = parsed(args);
  if (values.help || args.length === 0) return undefined;
  const [word = '', ...names] = positionals;
  const command = COMMANDS.find((known) => known === word);
  if (command === undefined) throw wrong(`The command is one of ${COMMANDS.join(', ')}, not "${word}".`);
  if ((values.url === undefined) === (values.stage === undefined))
    throw wrong(
      'Say which stack: --url http://127.0.0.1:8787 for a local one, or --stage NAME for one on AWS.',
    );
  const misnamed = names.find((name) => !NAME.test(name));
  if (misnamed !== undefined)
    throw wrong(
      `"${misnamed}" is no name of a dead letter: SEGMENT/PART such as 1.0.2s/0, or poison/MESSAGE.`,
    );
  checkSelection(command, names, values.all);
  if (command === 'discard' && (values.why ?? '').trim() === '')
    throw wrong('discard wants --why TEXT: the reason is kept with what is given up.');
  return {
    command,
    stack: { url: values.url, stage: values.stage },
    selection: {
      names: names.length === 0 ? undefined : new Set(names),
      reason: values.reason,
      entity: values.entity,
      segment: values.segment,
    },
    parked: values.parked,
    max: numberFrom('max', values.max),
    rows: values.rows,
    json: values.json,
    dryRun: values['dry-run'],
    perSecond: numberFrom('per-second', values['per-second']),
    why: values.why,
    by: values.by,
    yes: values.yes,
  };
}

function checkSelection(command: Command, names: readonly string[], all: boolean): void {
  if (command === 'list') {
    if (names.length > 0)
      throw wrong('list takes no names: show NAME, or narrow it by --reason, --entity, --segment.');
  } else if (command === 'show') {
    if (names.length !== 1) throw wrong('show takes one name.');
  } else if (all === names.length > 0) {
    throw wrong(
      `Say which: ${command} NAME …, or ${command} --all, perhaps with --reason, --entity or --segment.`,
    );
  }
}

function parsed(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true });
  } catch (error) {
    throw wrong(`${(error instanceof Error ? error.message : String(error)).split('. ')[0]}.`);
  }
}

function numberFrom(name: string, text: string): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= 1) return value;
  throw wrong(`--${name} must be a whole number from 1, not "${text}".`);
}

function wrong(message: string): OperatorError {
  return new OperatorError(`${message} See npm run dead-letters -- --help`, exitCodes.usage);
}
