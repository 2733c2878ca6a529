import { expect, test } from 'vitest'
import { containerMsIn, cpuBetween, cpuMsIn, readCpu } from './processes.ts'

const stat = '4242 (node (main) 1) S 1 4242 4242 0 -1 4194304 9 0 0 0 125 37 0 0 20 0 11 0 1 2 3'

test('the CPU time of a process is its user and system time, whatever its name holds', () => {
  expect(cpuMsIn(stat)).toBe((125 + 37) * 10)
})

test('processes of one name count together, and one that is gone counts nothing', () => {
  const gone = 2 ** 22 + 1
  const times = readCpu([
    { name: 'part', pid: process.pid },
    { name: 'part', pid: process.pid },
    { name: 'gone', pid: gone },
  ])
  expect(times['part']).toBeGreaterThan(0)
  expect(times['gone']).toBe(0)
  expect(times['bench']).toBeGreaterThan(0)
})

test('what was used between two readings is never negative', () => {
  expect(cpuBetween({ a: 10, b: 90 }, { a: 25, b: 40, c: 5 })).toEqual({ a: 15, b: 0, c: 5 })
})

test('a container’s CPU time is read as either kernel interface tells it, and one that is gone counts nothing', () => {
  expect(containerMsIn('2500000000\n')).toBe(2500)
  expect(containerMsIn('usage_usec 2500000\nuser_usec 2000000\nsystem_usec 500000\n')).toBe(2500)
  expect(readCpu([{ name: 'peer', container: '0'.repeat(64) }])['peer']).toBe(0)
})
