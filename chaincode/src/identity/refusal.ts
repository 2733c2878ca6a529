import { MedledgerError } from '../api/index.ts'

/** One answer for every fault of a token, so that an attacker learns nothing from it. */
export const invalidToken = (): MedledgerError =>
  new MedledgerError('INVALID_TOKEN', 'The access token is not accepted: sign in again and retry.')
