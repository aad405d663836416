// Credentials in a deployed function: where Lambda puts them, and nowhere else. Bundles have this in place of the SDK's
// chain of providers for laptops, build machines, containers and instances, a quarter of their size (decision 16).
import { fromEnv } from '@aws-sdk/credential-provider-env';

/** Stands for `defaultProvider` of `@aws-sdk/credential-provider-node`, with the environment as the chain's only link. */
export const defaultProvider = () => fromEnv();
