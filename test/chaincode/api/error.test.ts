import { describe, expect, test } from 'vitest'
import { ledgerErrorCodes, MedledgerError, readMessage, writeMessage } from 'medledger-chaincode/api'

describe('errors that travel in a message', () => {
  test.each(ledgerErrorCodes)('%s comes back as it was thrown', (code) => {
    const read = readMessage(writeMessage(new MedledgerError(code, 'What was wrong and what to do.')))
    expect(read).toMatchObject({ code, message: 'What was wrong and what to do.' })
  })

  test('a peer may put its own words in front', () => {
    const text = `transaction returned with failure: ${writeMessage(new MedledgerError('FORBIDDEN', 'No.'))}`
    expect(readMessage(text)?.code).toBe('FORBIDDEN')
  })

  test('a text without a known code is not ours', () => {
    expect(readMessage('[SOMETHING] else')).toBeUndefined()
  })
})
