// One timer that is set again and again.
import type { Platform } from './platform.ts';

/**
 * An alarm on the steady clock.
 * @returns sets it, instead of for the time before; Infinity: for none
 */
export function alarmOf(platform: Platform, ring: () => void): (atMs: number) => void {
  let alarm: { readonly atMs: number; readonly cancel: () => void } | undefined;
  return (atMs) => {
    if (alarm?.atMs === atMs) return;
    alarm?.cancel();
    alarm = undefined;
    if (atMs === Infinity) return;
    const rings = () => {
      alarm = undefined;
      ring();
    };
    // Timers may fire a fraction early.
    const delayMs = Math.max(0, Math.ceil(atMs - platform.steadyMs()));
    alarm = { atMs, cancel: platform.setTimer(rings, delayMs, false) };
  };
}
