// What `npm run import -- --help` prints.

export const importUsage = `Imports log files into a running Tally, every line exactly once.

npm run import -- FILE… --url URL [options]

  --url URL               address of the service, as http://127.0.0.1:3000
  --metric NAME           metric to count under (view)
  --format NAME           auto, combined, common, cloudfront, alb, jsonl, csv or columns (auto)
  --api-key KEY           sent as x-api-key; or TALLY_API_KEY in the environment

Which lines, in access logs:
  --method LIST           GET,HEAD or any (GET)
  --status LIST           200,304 or any (200)
  --unwrap-quotes         every line is wrapped in double quotes

Where entity and time stand, in other files:
  --entity-field, --time-field NAME     jsonl: fields, a.b for nested ones (entity, at)
  --entity-column, --time-column N      csv: names or numbers; columns: numbers, from 1
  --header                csv: the first line names the columns
  --delimiter C           csv: instead of a comma; \\t for a tab
  --comment TEXT          csv, columns: lines that begin with it are comments
  --empty-entity NAME     csv, jsonl: what an empty value is counted as (it is rejected)
  --time-unit UNIT        s, ms, us, iso or auto; times without a zone are UTC

Resuming:
  --state DIR             where the state is kept (beside the file, in .tally-import)
  --label NAME            tells apart two files that begin with the same bytes
  --forget                import anew: counts everything again unless the service is empty
  --resume-uncertain HOW  requests that may be stored, and that the service no longer
                          recognises: hold, send (may count twice) or skip (may miss)
  --dedup-window SECONDS  how long the service remembers event ids (600)

Sending:
  --concurrency N         requests at once (4)
  --batch-events N, --batch-bytes N     limits of a request (500; 900000)
  --timeout SECONDS       of one request (30)
  --give-up-after SECONDS of failing (never)

Output:
  --wait                  return when everything imported is counted
  --wait-timeout SECONDS  at the longest (for ever)
  --rejects FILE          write malformed and rejected lines there
  --dry-run               read and check only
  --json                  figures as JSON, alone on standard output

Exit codes: 0 imported; 1 failed on the way, run it again; 2 wrong usage or state, nothing sent;
3 uncertain requests wait for --resume-uncertain; 4 --wait: not everything is counted; 130 interrupted.
docs/importing.md says more.
`;
