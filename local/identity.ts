// The local stack's account and credentials. The emulators accept any; the stack hands out these.

/** Account and region of the whole local stack; the emulators' own defaults. */
export const account = '000000000000';
export const region = 'us-east-1';

/** Credentials for the emulators; worthless anywhere else. */
export const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
