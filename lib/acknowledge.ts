// Accepted findings of cdk-nag, acknowledged where they arise, with reasons.
import { CfnResource, Stack, Validations } from 'aws-cdk-lib';
import type { Construct, IConstruct } from 'constructs';

/** Accepts findings on a construct and its children: maps the rule's id (with its `[finding]`, if any) to the reason. */
export function acknowledge(construct: IConstruct, reasons: Readonly<Record<string, string>>): void {
  for (const [id, reason] of Object.entries(reasons)) {
    Validations.of(construct).acknowledge({ id, reason });
  }
}

/** The findings of a method that anyone may call. */
export function withoutAuthorizer(reason: string): Readonly<Record<string, string>> {
  return { 'AwsSolutions-APIG4': reason, 'AwsSolutions-COG4': reason };
}

/** The one resource of a construct. */
export function resourceIn(construct: Construct): CfnResource {
  const resource = construct.node.defaultChild;
  if (CfnResource.isCfnResource(resource)) return resource;
  throw new Error(`${construct.node.path} is not a resource.`);
}

/** A resource's logical id, as findings name it. */
export function logicalIdOf(construct: Construct): string {
  return Stack.of(construct).getLogicalId(resourceIn(construct));
}
