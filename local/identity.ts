// Who the local stack pretends to be: the emulators take any credentials, these are the ones handed out.

/** Account and region of everything on the local stack; the emulators' own defaults. */
export const account = '000000000000';
export const region = 'us-east-1';

/** Credentials for the emulators; worthless anywhere else. */
export const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
