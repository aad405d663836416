// Depth-first search through everything that may happen in a small world; a known state is not searched again.
import { Violation } from '../oracle/violation.ts';
import { SmallRun } from './small-run.ts';
import type { SmallWorld } from './small-world.ts';

/** What a search found. */
export interface Found {
  /** Different paths from the start to the end. */
  readonly histories: bigint;
  readonly states: number;
  readonly violation:
    | { readonly promise: string; readonly message: string; readonly path: readonly string[] }
    | undefined;
}

interface Frame {
  readonly state: string;
  readonly choices: number;
  /** The choice that is taken first. */
  readonly first: number;
  choice: number;
  label: string;
  histories: bigint;
}

/**
 * Searches a small world. Each branch runs again from the start, since a running use case cannot be copied.
 * @param statesMax stop after so many states
 * @param order which branches come first: with each order, a search that stops early sees another part of the world
 */
export async function search(
  world: SmallWorld,
  statesMax = Number.POSITIVE_INFINITY,
  order = 0,
): Promise<Found> {
  const known = new Map<string, bigint>();
  const frames: Frame[] = [];
  const found = (histories: bigint, violation: Found['violation']): Found => ({
    histories,
    states: known.size,
    violation,
  });
  /** Takes first choices up to a known state or an end. @returns the histories from there */
  async function descend(run: SmallRun): Promise<bigint> {
    for (;;) {
      const state = run.state();
      const histories = known.get(state);
      if (histories !== undefined) return histories;
      const choices = run.transitions().length;
      if (choices === 0) {
        await run.finish();
        known.set(state, 1n);
        return 1n;
      }
      const first = (order * state.charCodeAt(0)) % choices;
      const frame = { state, choices, first, choice: 0, label: '', histories: 0n };
      frames.push(frame);
      await takeChoice(run, frame);
    }
  }
  for (;;) {
    let leaf: bigint;
    try {
      const run = new SmallRun(world);
      await run.start();
      for (const frame of frames) await takeChoice(run, frame);
      leaf = await descend(run);
    } catch (error) {
      if (!(error instanceof Violation)) throw error;
      const { promise, message } = error;
      return found(0n, { promise, message, path: frames.map(({ label }) => label) });
    }
    for (;;) {
      const frame = frames.at(-1);
      if (frame === undefined || known.size > statesMax) return found(leaf, undefined);
      frame.histories += leaf;
      if (frame.choice + 1 < frame.choices) {
        frame.choice += 1;
        break;
      }
      known.set(frame.state, frame.histories);
      leaf = frame.histories;
      frames.pop();
    }
  }
}

async function takeChoice(run: SmallRun, frame: Frame): Promise<void> {
  const transition = run.transitions()[(frame.first + frame.choice) % frame.choices];
  if (transition === undefined) throw new Error('a run anew did not come to the same choices');
  frame.label = transition.label;
  await run.take(transition);
}
