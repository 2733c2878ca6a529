/**
 * The seed of a test that draws by chance: that of `MEDLEDGER_TEST_SEED`, or a new one for each run. It is printed, so that a
 * failure can be repeated.
 */
export function seedOfRun(what: string): number {
  const given = Number(process.env['MEDLEDGER_TEST_SEED'])
  const seed = Number.isSafeInteger(given) && given > 0 ? given : Date.now() % 2 ** 31
  process.stdout.write(`seed of ${what}: ${seed} (MEDLEDGER_TEST_SEED=${seed} repeats it)\n`)
  return seed
}

/**
 * The seed of a test of the suite that compares with something else than a law: it draws the same cases each time, so that it
 * fails because of a change and not by chance. `MEDLEDGER_TEST_SEED` has it draw others, and the long run always does.
 */
export const seedOfSuite = Number(process.env['MEDLEDGER_TEST_SEED'] ?? 1)
