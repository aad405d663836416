// Accepted findings of cdk-nag, acknowledged where they arise, with reasons.
import { CfnResource, Stack, Validations } from 'aws-cdk-lib';
import type { Method } from 'aws-cdk-lib/aws-apigateway';
import type { Construct, IConstruct } from 'constructs';

/** Accepts findings on a construct and its children: maps the rule's id (with its `[finding]`, if any) to the reason. */
export function acknowledge(construct: IConstruct, reasons: Readonly<Record<string, string>>): void {
  for (const [id, reason] of Object.entries(reasons)) {
    Validations.of(construct).acknowledge({ id, reason });
  }
}

/** Accepts that anyone may call a method. */
export function acknowledgeOpen(method: Method, reason: string): void {
  acknowledge(method, { 'AwsSolutions-APIG4': reason, 'AwsSolutions-COG4': reason });
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
