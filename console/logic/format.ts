// Numbers, durations and names as the console writes them; pure.

/** `12,408`. */
export function whole(n: number | bigint): string {
  return n.toLocaleString('en-US');
}

/** `1.2M`, for axes. */
export function compact(n: number): string {
  return n.toLocaleString('en-US', { notation: 'compact', maximumFractionDigits: 1 });
}

/** A rate or percentage: one decimal below ten. */
export function rate(n: number): string {
  return n < 10 ? n.toFixed(1) : whole(Math.round(n));
}

/** `▲ 12%`: the change from one total to the next; undefined when there was nothing before. */
export function change(before: number, now: number): string | undefined {
  if (before <= 0) return undefined;
  const share = (now - before) / before;
  return `${share >= 0 ? '▲' : '▼'} ${rate(Math.abs(share * 100))}%`;
}

/** `1.4 s`, `3 min`, `2 h 5 min`. */
export function span(ms: number): string {
  const seconds = Math.max(0, ms) / 1000;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 90) return `${Math.round(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 90) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours} h ${minutes % 60} min` : `${Math.round(hours / 24)} days`;
}

/** A name with its invisible characters and direction marks made visible. */
export function shownName(name: string): string {
  return name.replace(/[\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g, (mark) => {
    return `\\u${mark.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
}
