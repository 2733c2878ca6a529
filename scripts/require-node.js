// Imported first by every entry point. Plain JavaScript: an older Node must be able to read it.
const required = 24
if (Number(process.versions.node.split('.')[0]) < required) {
  process.stderr.write(
    `Medledger needs Node ${required} or newer and this is ${process.version}: run it through npm ` +
      '(for example `npm run --silent medledger -- status`), which brings its own Node.\n',
  )
  process.exit(1)
}
