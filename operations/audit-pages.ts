// Follows an audit from page to page until its report is there.
import { signedFetch } from './signed-fetch.ts';

/** What an audit found, as the API reports it. */
export interface Report {
  readonly complete: true;
  readonly source: 'stream' | 'archive';
  readonly segments: number;
  readonly items: number;
  readonly events: number;
  readonly itemsDiffering: number;
  readonly itemsUnaudited: number;
  readonly differencesOmitted: number;
  readonly repaired: number;
  /** Segments whose raw records are missing in the archive or differ. */
  readonly rawDifferences: number;
  readonly differences: readonly Record<string, unknown>[];
  readonly notReproducible: readonly string[];
  readonly segmentsUnaudited: readonly { first: string; last: string; segments: number; reason: string }[];
}

/** An answer that is not the last one. */
export interface Unfinished {
  readonly complete: false;
  /** To be sent as `cursor`. */
  readonly next: string;
  readonly progress: {
    readonly phase: string;
    /** How much of the phase is done, 0 to 1; null while nobody knows. */
    readonly share: number | null;
    readonly segments: number;
    readonly itemsScanned: number;
    readonly items: number;
    readonly differences: number;
  };
}

/** How an audit is asked for. */
export interface Asking {
  /** Where the stack answers. */
  readonly base: string;
  readonly repair: boolean;
  /** `from`, `to` and perhaps `source`, or the `cursor` of an audit to go on with. */
  readonly query: Readonly<Record<string, string>>;
}

/** Attempts at one page. A page that is asked for again goes on where it stopped, and does nothing twice. */
const ATTEMPTS = 5;
const BACKOFF_MS = 500;

/** Asks for page after page. @param onPage hears of every page but the last @throws what the stack says when it refuses */
export async function followAudit(asking: Asking, onPage: (page: Unfinished) => void): Promise<Report> {
  let { query } = asking;
  for (;;) {
    const page = await askUntilAnswered({ ...asking, query });
    if (page.complete) return page;
    onPage(page);
    query = { cursor: page.next };
  }
}

async function askUntilAnswered(asking: Asking): Promise<Report | Unfinished> {
  for (let attempt = 1; ; attempt += 1) {
    const answer = await ask(asking);
    if (!(answer instanceof Error)) return answer;
    if (attempt === ATTEMPTS) throw answer;
    await new Promise((resolve) => setTimeout(resolve, BACKOFF_MS * 2 ** attempt));
  }
}

/** @returns an error that may pass @throws one that will not */
async function ask({ base, repair, query }: Asking): Promise<Report | Unfinished | Error> {
  if (!URL.canParse(base))
    throw new Error(`--url must be a whole URL such as http://127.0.0.1:8787, not "${base}"`);
  const url = new URL(repair ? 'v1/admin/repair' : 'v1/audit', base.endsWith('/') ? base : `${base}/`);
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
  try {
    const answer = await signedFetch(repair ? 'POST' : 'GET', url);
    const body = (await answer.json()) as (Report | Unfinished) & { message?: string };
    if (answer.status === 200) return body;
    const error = new Error(`${url.pathname} answered ${answer.status}: ${body.message}`);
    if (answer.status === 429 || answer.status >= 500) return error;
    throw error;
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    return new Error(
      `${url.origin} does not answer (${String(error.cause ?? error.message)}): is the stack running, and --url right?`,
    );
  }
}
