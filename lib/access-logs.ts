// The setting `accessLogs`: which buckets hold logs, checked as far as that is possible without one.
import { z } from 'zod';
import { checkRequest, FORMAT_NAMES, requestOf } from '../formats/detect.ts';
import { FormatError } from '../formats/reading.ts';
import { metricName, text } from './setting-kinds.ts';

/** Not those whose columns have no names: a setting cannot say which is the entity and which the time. */
const FORMATS = FORMAT_NAMES.filter((name) => name !== 'csv' && name !== 'columns');
/** A function's environment has room for 4 KB. */
const JSON_BYTES_MAX = 3_000;

const accessLog = z
  .strictObject(
    {
      // S3's rules (userguide/bucketnamingrules.html).
      bucket: text(
        /^(?!.*\.\.)(?!\d+\.\d+\.\d+\.\d+$)[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/,
        "a bucket's name, such as my-logs",
      ),
      // It becomes part of a policy ARN, where *, ? and ${ are special.
      prefix: text(
        /^[^*?$\p{Cc}]{0,1024}$/u,
        'what keys begin with, at most 1,024 characters without * ? $',
      ).default(''),
      format: z.enum(FORMATS, `one of ${FORMATS.join(', ')}`).default('auto'),
      metric: metricName().default('view'),
      filter: z.string('conditions such as "status=2xx,method=GET"').default(''),
      entity: text(/^(?:\S(?:.*\S)?)?$/, "a field's name").default(''),
      logFormat: z.string("nginx's log_format or Apache's LogFormat").default(''),
      kmsKeyArn: text(
        /^$|^arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:key\/[A-Za-z0-9-]{1,128}$/,
        "the ARN of the bucket's KMS key, such as arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab",
      ).default(''),
    },
    {
      error: (issue) =>
        issue.code === 'unrecognized_keys'
          ? `an object with bucket, prefix, format, metric, filter, entity, logFormat and kmsKeyArn alone, without ${issue.keys.join(' and ')}`
          : 'an object such as {"bucket":"my-logs"}',
    },
  )
  .superRefine((log, ctx) => {
    try {
      checkRequest(requestOf(log));
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      // The command line's options by the names of fields here.
      const problem = error.message
        .replaceAll('--where', 'filter')
        .replaceAll('--log-format', 'logFormat')
        .replaceAll('--format', 'format');
      ctx.addIssue({ code: 'custom', message: `readable: ${problem}` });
    }
  });

/** The list of buckets of logs, or parts of one. */
export const accessLogs = z
  .array(accessLog, 'a list such as [{"bucket":"my-logs","prefix":"alb/","format":"alb","metric":"view"}]')
  .superRefine((logs, ctx) => {
    for (const [index, { bucket, prefix }] of logs.entries()) {
      const first = logs.findIndex((other) => other.bucket === bucket && other.prefix === prefix);
      if (first < index)
        ctx.addIssue({
          code: 'custom',
          path: [index],
          message: `about another bucket or prefix than accessLogs[${first}]: an object is read once`,
        });
    }
  })
  .refine(
    (logs) => Buffer.byteLength(JSON.stringify(logs)) <= JSON_BYTES_MAX,
    `at most ${JSON_BYTES_MAX} bytes of JSON: a function's environment has no room for more`,
  );
