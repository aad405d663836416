// The console's use case: which file answers a request, and how long a cache may keep it.

export interface ConsoleFile {
  readonly name: string;
  /** Its content type. */
  readonly type: string;
  readonly text: string;
  /** Of the text. */
  readonly hash: string;
}

/** The page and the files it loads, whose names change with their content. */
export interface ConsoleFiles {
  readonly page: ConsoleFile;
  readonly files: readonly ConsoleFile[];
}

/** The page's environment. */
export interface Place {
  /** The URL's path before the API's: `/prod` at API Gateway's own address, otherwise empty. */
  readonly base: string;
  readonly apiKeys: boolean;
  /** Whether this is the local stack, with its switches. */
  readonly local: boolean;
}

/** A request for a file, or for the page. */
export interface ConsoleRequest {
  readonly file: string | undefined;
  readonly ifNoneMatch: string | undefined;
}

export interface ConsoleAnswer {
  readonly statusCode: number;
  readonly headers: Record<string, string>;
  readonly body: string;
}

const SECURITY: Readonly<Record<string, string>> = {
  // Allows nothing from other origins, nothing inline, no frame, no form.
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data: blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
};

/** Answers a request for the page or one of its files. */
export function serve({ page, files }: ConsoleFiles, request: ConsoleRequest, place: Place): ConsoleAnswer {
  const { file: name, ifNoneMatch = '' } = request;
  const file = name === undefined ? pageIn(page, place) : files.find((one) => one.name === name);
  if (file === undefined) return missing();
  const etag = `"${file.hash}"`;
  const kept = name === undefined ? 'no-cache' : 'public, max-age=31536000, immutable';
  const headers = { ...SECURITY, 'content-type': file.type, 'cache-control': kept, etag };
  const known = ifNoneMatch.split(',').map((tag) => tag.trim().replace(/^W\//, ''));
  return known.includes(etag)
    ? { statusCode: 304, headers, body: '' }
    : { statusCode: 200, headers, body: file.text };
}

/** The page with its environment filled in. */
function pageIn(page: ConsoleFile, place: Place): ConsoleFile {
  // The path of a stage or a domain's mapping. It is inserted into the page, so validate it.
  const base = /^[\w/.~-]*$/.test(place.base) ? place.base : '';
  const text = page.text
    .replaceAll('{{base}}', base)
    .replace('{{keys}}', String(place.apiKeys))
    .replace('{{local}}', String(place.local));
  // Includes everything inserted: a stage that now requires keys must not get a cached page from before.
  return { ...page, text, hash: `${page.hash}-${place.apiKeys}-${place.local}${base}` };
}

function missing(): ConsoleAnswer {
  return {
    statusCode: 404,
    headers: { ...SECURITY, 'content-type': 'application/json', 'cache-control': 'no-store' },
    body: JSON.stringify({ message: 'The console has no such file: load the page again.' }),
  };
}
