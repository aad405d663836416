// Ends a process quietly when its output is no longer read, as with `| head`. Loaded by every process of a command.

process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit(process.exitCode ?? 0);
});
// Continue without messages.
process.stderr.on('error', () => {});
