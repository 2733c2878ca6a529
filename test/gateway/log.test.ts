import { describe, expect, test } from 'vitest'
import { onBehalfOf } from '../../gateway/src/log.ts'
import { capturedLog } from '../support/gateway-network.ts'

describe('the log', () => {
  test('is JSON lines with the organisation, the event and its fields', () => {
    const { log, lines } = capturedLog('south')
    log.event('listening', { port: 1 })
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({ organisation: 'south', event: 'listening', port: 1 })
  })

  test('tells of a fault its kind and where it happened, and never its words, not even where they look like a frame', () => {
    const { log, lines } = capturedLog()
    log.fault('somewhere', new RangeError('Lindqvist\n    at Lindqvist (maria.ts:1:1)'))
    const line = JSON.parse(lines[0] ?? '') as { frames: string[] }
    expect(line).toMatchObject({ event: 'fault', where: 'somewhere', kind: 'RangeError' })
    expect(line.frames[0]).toContain('log.test.ts')
    expect(lines[0]).not.toMatch(/Lindqvist|maria/)
  })

  test('takes anything that was thrown', () => {
    const { log, lines } = capturedLog()
    for (const thrown of [undefined, null, 'Lindqvist', { name: 'Lindqvist' }, Object.create(null)])
      log.fault('x', thrown)
    expect(lines).toHaveLength(5)
    expect(lines.join('')).not.toContain('Lindqvist')
  })

  test('has the request’s id on every line that is written on its behalf, of several at once', async () => {
    const { log, lines } = capturedLog()
    const both = Promise.withResolvers<void>()
    const work = async (name: string): Promise<void> => {
      await both.promise
      log.event(name)
    }
    const working = ['one', 'other'].map(
      (name) =>
        new Promise<void>((resolve) => {
          onBehalfOf(`id of ${name}`, () => void work(name).then(resolve))
        }),
    )
    log.event('none')
    both.resolve()
    await Promise.all(working)
    const written = lines.map((line) => JSON.parse(line) as { event: string; request?: string })
    expect(written.map(({ event, request }) => [event, request])).toEqual([
      ['none', undefined],
      ['one', 'id of one'],
      ['other', 'id of other'],
    ])
  })
})
