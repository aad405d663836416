// Ctrl-C and SIGTERM: the first one asks a command to stop, the second one aborts it.

/**
 * Listens for signals.
 * @param onSignal called for each one
 * @returns `stop`: start nothing new; `kill`: give up what is in flight, after a second signal or the grace period; `begin`: stops
 * as a signal does; `release`: leaves signals to Node again
 */
export function stopOnSignals(graceMs: number, onSignal: (signal: NodeJS.Signals) => void) {
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
