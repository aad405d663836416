// An SDK client whose calls stay in this process.
import { type Call, directTransport, type ServiceName, type Transport } from './call.ts';
import { NotSimulated } from './errors.ts';

/** What a service does when a call arrives, by operation. */
// biome-ignore lint/suspicious/noExplicitAny: each operation has an input and an answer of its own.
export type Operations = Readonly<Record<string, (input: any) => object>>;

interface Command {
  readonly input: object;
}

type Middleware = (
  next: (request: { input: object }) => Promise<{ output: object }>,
  context: { commandName: string },
) => (request: { input: object }) => Promise<{ output: object }>;

/**
 * Creates a client of a class without the SDK's middleware: a call is a function call. Middleware of the `initialize` step that
 * is added afterwards does run.
 */
export function makeClient<Client extends object>(
  prototype: Client,
  service: ServiceName,
  handlers: Operations,
  transport: Transport = directTransport,
): Client {
  const carry = (operation: string, input: object): Promise<object> => {
    const handler = handlers[operation];
    if (handler === undefined) return Promise.reject(new NotSimulated(`${service} ${operation}`));
    const call: Call = { service, operation, input };
    return transport(call, () => handler(input));
  };
  const middlewares: Middleware[] = [];
  const send = async (command: Command): Promise<object> => {
    const commandName = command.constructor.name;
    const operation = commandName.slice(0, -'Command'.length);
    if (middlewares.length === 0) return carry(operation, command.input);
    let next = async ({ input }: { input: object }) => ({ output: await carry(operation, input) });
    for (const middleware of middlewares) next = middleware(next, { commandName });
    return (await next({ input: command.input })).output;
  };
  const middlewareStack = {
    add: (middleware: Middleware, { step = 'initialize' }: { step?: string } = {}) => {
      if (step !== 'initialize') throw new NotSimulated(`middleware of the step ${step}`);
      middlewares.push(middleware);
    },
    remove: () => false,
    // Libraries recognise an SDK client by these.
    identify: () => [],
    addRelativeTo: () => {
      throw new NotSimulated('middleware relative to another one');
    },
  };
  const client = Object.create(prototype);
  return Object.assign(client, {
    send,
    destroy: () => {},
    middlewareStack,
    config: { serviceId: service, region: async () => 'us-east-1' },
  });
}
