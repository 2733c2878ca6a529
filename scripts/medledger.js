#!/usr/bin/env node
// The command line's entry point. Plain JavaScript, so that an older Node refuses with one clear line
// instead of a syntax error in the TypeScript it then loads.
import './require-node.js'

await import('./cli/main.ts')
