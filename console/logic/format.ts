// Numbers and spans of time as the console writes them; pure.

/** `12,408`. */
export function whole(n: number | bigint): string {
  return n.toLocaleString('en-US');
}

/** `1.2M`: for axes and narrow places. */
export function compact(n: number): string {
  return n.toLocaleString('en-US', { notation: 'compact', maximumFractionDigits: 1 });
}

/** A rate: one decimal below ten. */
export function rate(perSecond: number): string {
  return perSecond < 10 ? perSecond.toFixed(1) : whole(Math.round(perSecond));
}

/** The change from one total to the next; undefined when there is nothing to compare with. */
export function change(
  before: number,
  now: number,
): { readonly text: string; readonly up: boolean } | undefined {
  if (before <= 0) return undefined;
  const share = (now - before) / before;
  const percent = Math.abs(share * 100);
  const text = `${percent < 10 ? percent.toFixed(1) : whole(Math.round(percent))} %`;
  return { text, up: share >= 0 };
}

/** `1.4 s`, `3 min`, `2 h 5 min`: how long something has lasted. */
export function span(ms: number): string {
  const seconds = Math.max(0, ms) / 1000;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 90) return `${Math.round(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 90) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours} h ${minutes % 60} min` : `${Math.round(hours / 24)} days`;
}

/** A name that is shown to people: controls and direction marks made visible, so that none hides another. */
export function shownName(name: string): string {
  return name.replace(/[\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]/g, (mark) => {
    return `\\u${mark.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
}
