import { readVectors } from './read.ts'

// A reader that goes away (`npm run vectors | head`) is no fault.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  process.exit(error.code === 'EPIPE' ? 0 : 1)
})

// One case a line, as `medledger decide --ndjson` reads them. JSON.stringify writes no line feed within a case.
process.stdout.write(
  readVectors()
    .map((vector) => `${JSON.stringify(vector.case)}\n`)
    .join(''),
)
