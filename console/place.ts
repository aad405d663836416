// Where the page runs, as its function and the browser say.

const { base = '', keys, local } = document.documentElement.dataset;

/** The page's own, for its header. */
export const icon = document.querySelector<HTMLLinkElement>('link[rel=icon]')?.href;
export const apiUrl = `${location.origin}${base}`;
export const wantsKey = keys === 'true';
export const isLocal = local === 'true';
/** The default of the URL. */
export const ownZone = Intl.DateTimeFormat().resolvedOptions().timeZone || 'UTC';
/** How often the page asks again: a read costs capacity on AWS, and nothing locally. */
export const pollMs = isLocal ? 1_000 : 5_000;
