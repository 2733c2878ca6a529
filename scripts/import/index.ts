import { readBundle, type PatientBundle } from './bundle.ts'
import { readJson } from './read-json.ts'

export { BadInput } from './bad-input.ts'
export type { PatientBundle } from './bundle.ts'
export { chunkLimits, toChunks } from './chunks.ts'
export { patientNames, type PatientNames } from './patient.ts'
export { identityOf, sourceKey, split, type SourceDocument, type SplitResult } from './split.ts'

/** A file's content as the bundle of one patient. Errors: `BadInput`, one line without content. */
export const parseBundle = (bytes: Uint8Array): PatientBundle => readBundle(readJson(bytes))
