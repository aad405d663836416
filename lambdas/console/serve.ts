// The use case of the console: which of its files answers a request, and for how long it may be kept.

/** One file of the console. */
export interface ConsoleFile {
  readonly name: string;
  /** Its content type. */
  readonly type: string;
  readonly text: string;
  /** Of its text. */
  readonly hash: string;
}

/** The page and the files it loads, whose names change with their content. */
export interface ConsoleFiles {
  readonly page: ConsoleFile;
  readonly files: readonly ConsoleFile[];
}

/** What the page is told about where it runs. */
export interface Place {
  /** What stands in the URL before the API's own paths: `/prod` behind API Gateway's own address, else nothing. */
  readonly base: string;
  /** Whether reading takes an API key. */
  readonly apiKeys: boolean;
  /** Whether this is the local stack, whose faults the page may switch. */
  readonly local: boolean;
}

/** What is asked for: the page, if no file is named. */
export interface ConsoleRequest {
  readonly file: string | undefined;
  readonly ifNoneMatch: string | undefined;
}

/** An answer as API Gateway takes it. */
export interface ConsoleAnswer {
  readonly statusCode: number;
  readonly headers: Record<string, string>;
  readonly body: string;
}

const SECURITY: Readonly<Record<string, string>> = {
  // Nothing from elsewhere, nothing inline, no frame, no form that leaves.
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data: blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
};

/** Answers a request for the page or one of its files. */
export function serve({ page, files }: ConsoleFiles, request: ConsoleRequest, place: Place): ConsoleAnswer {
  if (request.file !== undefined) {
    const found = files.find(({ name }) => name === request.file);
    if (found === undefined) return missing();
    return kept(found.type, 'public, max-age=31536000, immutable', `"${found.hash}"`, found.text, request);
  }
  // A path of API Gateway's stage or of a domain's mapping; whatever else it was, it would stand in the page.
  const base = /^[\w/.~-]*$/.test(place.base) ? place.base : '';
  const text = page.text
    .replaceAll('{{base}}', base)
    .replace('{{keys}}', String(place.apiKeys))
    .replace('{{local}}', String(place.local));
  // All that is filled in: a stage that wants keys from now on must not be asked with the page of before.
  const tag = `"${page.hash}-${place.apiKeys}-${place.local}${base}"`;
  return kept(page.type, 'no-cache', tag, text, request);
}

function kept(
  type: string,
  cacheControl: string,
  etag: string,
  text: string,
  { ifNoneMatch = '' }: ConsoleRequest,
): ConsoleAnswer {
  const headers = { ...SECURITY, 'content-type': type, 'cache-control': cacheControl, etag };
  const known = ifNoneMatch.split(',').map((tag) => tag.trim().replace(/^W\//, ''));
  return known.includes(etag)
    ? { statusCode: 304, headers, body: '' }
    : { statusCode: 200, headers, body: text };
}

function missing(): ConsoleAnswer {
  return {
    statusCode: 404,
    headers: { ...SECURITY, 'content-type': 'application/json', 'cache-control': 'no-store' },
    body: JSON.stringify({ message: 'The console has no such file: load the page again.' }),
  };
}
