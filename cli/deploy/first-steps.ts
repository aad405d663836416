// The end of a deployment's output: the stage's address, and a line to paste.

/** URL, key and a curl line. @param key undefined: the stage requires none, or its value is not available */
export function firstSteps(url: string, key: string | undefined): string {
  const base = url.replace(/\/$/, '');
  const header = key === undefined ? '' : ` -H 'x-api-key: ${key}'`;
  return [
    '',
    `URL  ${base}`,
    `Key  ${key ?? 'none'}`,
    '',
    'Send an event, and ask for its count some seconds later:',
    '',
    `  curl -X POST ${base}/v1/events${header} -H 'content-type: application/json' -d '{"events":[{"id":"1","metric":"view","entity":"/hello"}]}'`,
    `  curl '${base}/v1/counts/view/%2Fhello?by=total'${header}`,
  ].join('\n');
}
