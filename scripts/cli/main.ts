import { run } from './run.ts'

// A reader that goes away (`medledger log | head`) is no fault of the command.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  process.exit(error.code === 'EPIPE' ? 0 : 1)
})

process.exitCode = await run(process.argv.slice(2), {
  out: (text) => void process.stdout.write(text),
  err: (text) => void process.stderr.write(text),
  // A terminal too narrow for a line, or of unknown width, gets plain lines like a file.
  isTerminal: process.stdout.isTTY && process.stderr.isTTY && process.stdout.columns >= 40,
})
