// The end of a deployment's output: the stage's address, and a line to paste.

/** An API key; its value is undefined if it could not be read. */
interface ApiKey {
  readonly id: string;
  readonly value: string | undefined;
}

/** URL, key and a curl line. @param key undefined: the stage requires none */
export function firstSteps(url: string, key: ApiKey | undefined): string {
  const base = url.replace(/\/$/, '');
  const header = key === undefined ? '' : ` -H 'x-api-key: ${key.value ?? 'KEY'}'`;
  const unread = `read it with aws apigateway get-api-key --include-value --api-key ${key?.id}`;
  return [
    '',
    `URL  ${base}`,
    `Key  ${key === undefined ? 'none' : (key.value ?? unread)}`,
    '',
    'Send an event, and ask for its count some seconds later:',
    '',
    `  curl -X POST ${base}/v1/events${header} -H 'content-type: application/json' -d '{"events":[{"id":"1","metric":"view","entity":"/hello"}]}'`,
    `  curl '${base}/v1/counts/view/%2Fhello?by=total'${header}`,
  ].join('\n');
}
