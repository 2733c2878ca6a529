import { MedledgerContract } from './contract.ts'
import { silenceDebug } from './quiet.ts'

silenceDebug()

export const contracts: readonly (typeof MedledgerContract)[] = [MedledgerContract]
