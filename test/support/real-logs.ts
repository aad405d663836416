// The access logs among the shared data sets, with their truth, where they are present.
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { readTruth } from '../../cli/verify/truth.ts';
import { onlyLong } from './long.ts';

/** Where the data sets are. */
export const DATA =
  process.env['TALLY_DATA'] ?? fileURLToPath(new URL('../../../shared/data/', import.meta.url));

/** Why tests on them are skipped; false if they are present. */
export const ABSENT = existsSync(DATA)
  ? false
  : 'the shared data sets (../shared/data beside the project) are not here';

/** Why a test of one of them is skipped; false if it is not. */
export const skipOf = (truth: string) => ABSENT || (truth === 'cf_replicated_1000k' && onlyLong.skip);

/** Names of truths, and files. */
export const ACCESS_LOGS: readonly (readonly [truth: string, file: string])[] = [
  ['elastic_apache', 'elastic-examples_apache_logs.log.gz'],
  ['elastic_nginx', 'elastic-examples_nginx_logs.log.gz'],
  ['ocatak_acunetix_lenient', 'ocatak_apache-http-logs_acunetix.txt.gz'],
  ['ocatak_netsparker_lenient', 'ocatak_apache-http-logs_netsparker.txt.gz'],
  ['ocatak_w3af_lenient', 'ocatak_apache-http-logs_w3af.txt.gz'],
  ['cf_aws-samples', 'aws-samples_cloudfront-2018.log.gz'],
  ['cf_aws-solutions', 'aws-solutions_cloudfront-2023.log.gz'],
  ['aws-samples_alb-2018', 'aws-samples_alb-2018.log.gz'],
  ['aws-solutions_alb-2023', 'aws-solutions_alb-2023.log.gz'],
  ['cdluc3_alb-2023', 'cdluc3_alb-2023.log.gz'],
  ['crowdsec-hub_aws-alb-logs', 'crowdsec-hub_aws-alb-logs.log.gz'],
  ['cf_replicated_1000k', 'rkalla_cloudfront-2011_example-1000k_REPLICATED.gz'],
];

/** Views by `ENTITY MINUTE`, the minute in seconds of the epoch. */
export async function trueViews(truth: string): Promise<Map<string, number>> {
  const { entities } = await readTruth(`${DATA}truth/${truth}`, 'views');
  return new Map(
    [...entities].flatMap(([entity, minutes]) =>
      [...minutes].map(([minute, n]) => [`${entity} ${minute}`, n] as const),
    ),
  );
}
