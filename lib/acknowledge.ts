// Accepted findings of cdk-nag, acknowledged where they arise, with reasons.
import { Validations } from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';

/** Accepts findings on a construct and its children: maps the rule's id (with its `[finding]`, if any) to the reason. */
export function acknowledge(construct: IConstruct, reasons: Readonly<Record<string, string>>): void {
  for (const [id, reason] of Object.entries(reasons)) {
    Validations.of(construct).acknowledge({ id, reason });
  }
}
