// The options of a run on dead letters.
import type { StackName } from '../shared/stack-access.ts';
import type { Selection } from './facts.ts';

/** What a run does. */
export type Action = 'list' | 'show' | 'redrive' | 'park' | 'replay' | 'discard';

/** The options of a run. */
export interface Options {
  readonly action: Action;
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
