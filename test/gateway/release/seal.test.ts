import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createRecipient, sealContent, type Binding } from '../../../gateway/src/release/index.ts'

const id = fc.stringMatching(/^[0-9a-f]{32}$/)
const binding = fc.record({
  entry: id,
  document: id.map((random) => `north-${random}`),
  version: fc.integer({ min: 1, max: 1000 }),
})

describe('a sealed content', () => {
  test('opens for its recipient under the entry, document and version that it was sealed for', async () => {
    await fc.assert(
      fc.asyncProperty(fc.jsonValue(), binding, async (content, bound) => {
        const recipient = await createRecipient()
        const sealed = await sealContent(content, recipient.publicKey, bound)
        expect(await recipient.open(sealed, bound)).toEqual(JSON.parse(JSON.stringify(content)))
      }),
      { numRuns: 30 },
    )
  })

  test('opens under no other entry, document or version', async () => {
    const recipient = await createRecipient()
    await fc.assert(
      fc.asyncProperty(
        binding,
        binding,
        fc.subarray(['entry', 'document', 'version'] as const),
        async (bound, other, changed) => {
          const claimed: Binding = {
            ...bound,
            ...Object.fromEntries(changed.map((name) => [name, other[name]])),
          }
          fc.pre(changed.some((name) => bound[name] !== other[name]))
          const sealed = await sealContent('secret', recipient.publicKey, bound)
          await expect(recipient.open(sealed, claimed)).rejects.toThrow('another request')
        },
      ),
      { numRuns: 30 },
    )
  })

  const bound = { entry: '00'.repeat(16), document: `north-${'00'.repeat(16)}`, version: 1 }

  test('opens for no other recipient', async () => {
    const [one, other] = [await createRecipient(), await createRecipient()]
    const sealed = await sealContent('secret', one.publicKey, bound)
    await expect(other.open(sealed, bound)).rejects.toThrow()
  })

  test('opens no more once any part of it is changed or left out', async () => {
    const recipient = await createRecipient()
    const sealed = await sealContent('secret', recipient.publicKey, bound)
    const again = await sealContent('secret', recipient.publicKey, bound)
    for (const part of ['protected', 'iv', 'tag', 'ciphertext'] as const) {
      await expect(recipient.open({ ...sealed, [part]: again[part] }, bound)).rejects.toThrow()
    }
    const { aad: _left, ...without } = sealed
    await expect(recipient.open(without, bound)).rejects.toThrow()
  })

  test('shows nothing of what it holds, and never the same twice', async () => {
    const { publicKey } = await createRecipient()
    const [one, other] = [
      await sealContent('Lindqvist', publicKey, bound),
      await sealContent('Lindqvist', publicKey, bound),
    ]
    expect(JSON.stringify(one)).not.toContain(Buffer.from('Lindqvist').toString('base64url'))
    expect(one.ciphertext).not.toBe(other.ciphertext)
  })
})
