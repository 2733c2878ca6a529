/** How often to draw for a property: as often as it says, or less where MEDLEDGER_TEST_RUNS says so (`npm run mutate`). */
export const runs = (usual: number): number =>
  Math.min(usual, Number(process.env['MEDLEDGER_TEST_RUNS'] ?? usual))
