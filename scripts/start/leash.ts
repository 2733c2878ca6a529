/*
 * Loaded into a process before a program that knows nothing of its supervisor: ends the process when the supervisor is
 * gone, however it went, so that nothing is left to hold a port against the next start.
 */
process.once('disconnect', () => process.exit(0))
