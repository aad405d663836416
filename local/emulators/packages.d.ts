// The parts of packages without types that the local stack uses.
declare module 'dynalite' {
  type Delay = 'createTableMs' | 'deleteTableMs' | 'updateTableMs';
  export default function dynalite(
    options: { path?: string } & Record<Delay, number>,
  ): import('node:http').Server;
}

declare module 'kinesalite' {
  type Limit = 'createStreamMs' | 'deleteStreamMs' | 'updateStreamMs' | 'shardLimit';
  export default function kinesalite(
    options: { path?: string } & Record<Limit, number>,
  ): import('node:http').Server;
}
