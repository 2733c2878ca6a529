import { readVectors } from './read.ts'

// One case a line, as `medledger decide --ndjson` reads them. JSON.stringify writes no line feed within a case.
process.stdout.write(
  readVectors()
    .map((vector) => `${JSON.stringify(vector.case)}\n`)
    .join(''),
)
