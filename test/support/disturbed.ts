// Transports that disturb an actor: one that dies with a call, and two that take turns.
import type { Transport } from '../../fake-aws/call.ts';

/** A transport that dies with a call, before it has an effect or after. */
export function crashing(calls: number, late: boolean): Transport {
  let left = calls;
  return async (_call, perform) => {
    left -= 1;
    if (left < 0 && !late) throw new Error('died before a call');
    const answer = perform();
    if (left < 0) throw new Error('died before an answer');
    return answer;
  };
}

/** Transports for two actors whose calls wait for each other in a given order. */
export function inTurns(order: readonly boolean[]): (actor: boolean) => Transport {
  let turn = 0;
  return (actor) => async (_call, perform) => {
    // An actor waits during the other's turn, but not indefinitely: the other may have ended.
    for (let patience = 0; order[turn % order.length] !== actor && patience < 20; patience += 1) {
      await new Promise(setImmediate);
    }
    turn += 1;
    return perform();
  };
}

/** A transport that runs something else before one of its calls. */
export function interrupted(call: number, something: () => Promise<void>): Transport {
  let calls = 0;
  return async (_call, perform) => {
    calls += 1;
    if (calls === call) await something();
    return perform();
  };
}

/** A transport that allows a compactor to compact the hours, and dies before an upper level is planned. */
export const hoursOnly: Transport = async (call, perform) => {
  if (/(days|months|all)Revision/.test(JSON.stringify(call.input)))
    throw new Error('the compactor stands still');
  return perform();
};

/** Calls that take time on a test's clock: those that are outstanding at once take the time of one. @param pass moves the clock */
export function takingTime(pass: () => void): () => Promise<void> {
  const waiting: (() => void)[] = [];
  return () =>
    new Promise((resolve) => {
      waiting.push(resolve);
      if (waiting.length > 1) return;
      setImmediate(() => {
        pass();
        for (const release of waiting.splice(0)) release();
      });
    });
}
