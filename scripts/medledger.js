#!/usr/bin/env node
// The command line's entry point. Plain JavaScript, so that an older Node refuses with one clear line
// instead of a syntax error in the TypeScript it then loads.
import './require-node.js'
import module from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

// Every command is a process of its own, and most of its time is compiling: the next one need not repeat it.
module.enableCompileCache(join(dirname(fileURLToPath(import.meta.url)), '..', '.cache', 'compile'))

await import('./cli/main.ts')
