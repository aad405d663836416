// The parts of packages without types that the local stack uses.
declare module 'dynalite' {
  export default function dynalite(options: {
    path?: string;
    createTableMs: number;
    deleteTableMs: number;
    updateTableMs: number;
  }): import('node:http').Server;
}

declare module 'kinesalite' {
  export default function kinesalite(options: {
    path?: string;
    createStreamMs: number;
    deleteStreamMs: number;
    updateStreamMs: number;
    shardLimit: number;
  }): import('node:http').Server;
}
