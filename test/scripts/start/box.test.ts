import { randomId } from 'medledger-chaincode/api'
import { expect, test } from 'vitest'
import { inventPeople } from '../../../scripts/development/index.ts'
import { demoTopology } from '../../../scripts/network/topology.ts'
import { addressesOf } from '../../../scripts/start/addresses.ts'
import { renderBox, storyCommands } from '../../../scripts/start/box.ts'
import { runChecklist } from '../../../scripts/start/checklist.ts'
import { storyDocument } from '../../../scripts/start/demo.ts'

const content = {
  title: 'A network, not for real patients.',
  addresses: addressesOf(demoTopology(1000)),
  people: inventPeople(demoTopology().constitution, randomId),
  document: storyDocument,
  dataOption: ' --data elsewhere',
  stop: 'Stop so.',
}

test('the box has the addresses of gateways, providers and metrics, everybody, the five commands whole, and what this is not for', () => {
  const box = renderBox(content)
  for (const { gateway, provider, metrics } of content.addresses)
    expect(box).toContain(`${gateway}  ${provider}  ${metrics}\n`)
  expect(box).toContain('/docs')
  for (const { user } of content.people) expect(box).toContain(user)
  const commands = storyCommands(storyDocument ?? '', content.dataOption)
  expect(commands).toHaveLength(5)
  for (const command of commands) expect(box).toContain(`${command}   #`)
  expect(box).toContain(content.title)
  expect(box).toContain(content.stop)
  expect(box).toContain('bearer tokens')
})

test('without demonstration data it tells no story', () => {
  expect(renderBox({ ...content, document: undefined })).not.toContain(' read ')
})

test('off a terminal the checklist is one line a step, until one fails', async () => {
  const lines: string[] = []
  let time = 0
  const step = (title: string, run: () => Promise<void>): { title: string; run: () => Promise<void> } => ({
    title,
    run,
  })
  const work = async (): Promise<void> => void (time += 1500)
  const failing = async (): Promise<void> => {
    throw new Error('no')
  }
  const output = { isTerminal: false, write: (text: string) => void lines.push(text), now: () => time }
  await expect(
    runChecklist([step('one', work), step('two', failing), step('three', work)], output),
  ).rejects.toThrow('no')
  expect(lines).toEqual(['✔ one [1.5 s]\n'])
})
