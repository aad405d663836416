// Output that is read no longer ends a process quietly, as `| head` wants it. Loaded by every process of a command.

process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit(process.exitCode ?? 0);
});
// The work goes on without its messages.
process.stderr.on('error', () => {});
