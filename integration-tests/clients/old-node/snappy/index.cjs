const { compress, compressSync, uncompress, uncompressSync } = require('snappy-7')

/** A function with a promise as one that calls back. */
function withCallback(run) {
  return (bytes, ...rest) => {
    const callback = rest.at(-1)
    run(bytes).then(
      (result) => callback(null, result),
      (error) => callback(error),
    )
  }
}

module.exports = {
  compress: withCallback(compress),
  compressSync,
  uncompress: withCallback(uncompress),
  uncompressSync,
}
