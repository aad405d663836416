// What `npm run dead-letters -- --help` prints.

/** The help. */
export const USAGE = `npm run dead-letters -- COMMAND [NAME …] (--url URL | --stage NAME) [options]

A dead letter is a rollup message whose attempts are used up. Its name is SEGMENT/PART (1.0.2s/0), or poison/MESSAGE.

  list               those that wait in the dead-letter queue; with --parked those in the archive
  show NAME          one of them: its history, and what is in it (entities only with --rows)
  redrive NAME …     back to the rollup queue at once
  park NAME …        out of the queue, into the archive
  replay NAME …      parked ones to the rollup queue again: each adds exactly once, however often it is sent
  discard NAME …     given up: kept under discarded/ in the archive, shown as lost in /v1/status (--why required)

Which stack
  --url URL          a local stack, such as http://127.0.0.1:8787
  --stage NAME       a stack on AWS, with your usual credentials and region

Which letters: names, or --all; both narrowed by
  --reason TEXT      a piece of the last failure's reason
  --entity ENTITY    a row for exactly this entity
  --segment ID       a segment (1.0.2s) or a shard (1.0)

  --parked           list, discard: those in the archive (discard looks in both places otherwise)
  --max N            list: look at so many letters at most (default 1000)
  --rows             show: every row, entities included
  --json             results as JSON on standard output
  --dry-run          say what would be done, and do nothing
  --per-second N     so many letters a second at most (default 50)
  --why TEXT         discard: the reason that is kept
  --by NAME          discard: who does it (default: your user name on this machine)
  --yes              discard: do not ask

SQS has no way of looking without taking: what is looked at is hidden from the redriver until the command gives it back, for a
minute at most if it is killed. What others hold at the moment is not seen; list says how much that is.

Exit code 0: done. 1: something failed, was refused (poison can not be sent back) or is not there. 2: wrong usage, or not
confirmed. 3: nothing to do. 4: no stack, no credentials, no answer. 130: interrupted.`;
