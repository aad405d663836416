// Where the page runs: what its function wrote into it, and what the browser says.

const { base = '', keys, local } = document.documentElement.dataset;

/** The API's address. */
export const apiUrl = `${location.origin}${base}`;
/** Whether reading takes an API key. */
export const wantsKey = keys === 'true';
/** Whether this is the local stack. */
export const isLocal = local === 'true';
/** The zone the URL need not name. */
export const ownZone = Intl.DateTimeFormat().resolvedOptions().timeZone || 'UTC';
/** How often what moves is asked for anew: reads cost nothing here, and capacity there. */
export const pollMs = isLocal ? 1_000 : 5_000;
/** Entities whose minutes the live view adds up. */
export const liveEntitiesMax = 12;
