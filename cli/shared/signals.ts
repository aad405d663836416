// Ctrl-C and SIGTERM: the first one asks a command to stop, the second one aborts it.

export interface Stopping {
  /** Start nothing new. */
  readonly stop: AbortController;
  /** Give up what is in flight: after a second signal, or the grace period. */
  readonly kill: AbortController;
  /** Stops as a signal does. */
  begin(): void;
  /** Leaves signals to Node again. */
  release(): void;
}

/** Listens for signals. @param onSignal called for each one */
export function stopOnSignals(graceMs: number, onSignal: (signal: NodeJS.Signals) => void): Stopping {
  const [stop, kill] = [new AbortController(), new AbortController()];
  const begin = () => {
    if (stop.signal.aborted) kill.abort();
    stop.abort();
    setTimeout(() => kill.abort(), graceMs).unref();
  };
  const listen = (signal: NodeJS.Signals) => {
    begin();
    onSignal(signal);
  };
  process.on('SIGINT', listen).on('SIGTERM', listen);
  const release = () => void process.off('SIGINT', listen).off('SIGTERM', listen);
  return { stop, kill, begin, release };
}
