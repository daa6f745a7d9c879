/** A whole number from 0 to `below` - 1. */
export type SeededRandom = (below: number) => number

/** The same numbers for the same seed, on every machine. */
export function seededRandom(seed: number): SeededRandom {
  let state = (seed * 0x9e3779b9) >>> 0
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below
  }
}

/** Where a frame's body may begin: behind size, API key, version and correlation id. */
const FIXED_BYTES = 12

const nastyNumbers = [
  '7fffffff',
  'ffffffff',
  '80000000',
  'fffffffe',
  '00ffffff',
  '0000ffff',
  '00000000',
  'ffffffff0f',
  '8080808001',
]

const mutations: readonly ((frame: Buffer, random: SeededRandom) => Buffer)[] = [
  (frame) => frame,
  flipBytes,
  flipBytes,
  plantNumber,
  plantNumber,
  (frame, random) => resized(frame.subarray(0, FIXED_BYTES + random(frame.length - FIXED_BYTES + 1))),
  (frame, random) => frame.subarray(0, 1 + random(frame.length)),
  (frame, random) => resized(Buffer.concat([frame, noise(random, 40)])),
  otherApi,
  otherVersion,
  repeatPiece,
  (_, random) => resized(Buffer.concat([Buffer.alloc(4), noise(random, 200)])),
  (_, random) => noise(random, 64),
]

/** A request, its size included, with something wrong about it most of the time. */
export function mutate(frame: Buffer, random: SeededRandom): Buffer {
  return mutations[random(mutations.length)]!(Buffer.from(frame), random)
}

function flipBytes(frame: Buffer, random: SeededRandom): Buffer {
  for (let flips = 1 + random(6); flips > 0 && frame.length > FIXED_BYTES; flips--) {
    frame[FIXED_BYTES + random(frame.length - FIXED_BYTES)] = random(256)
  }
  return frame
}

/** Writes over some place a number that is trouble where a length, a count or an id is read. */
function plantNumber(frame: Buffer, random: SeededRandom): Buffer {
  const number = Buffer.from(nastyNumbers[random(nastyNumbers.length)]!, 'hex')
  if (frame.length <= FIXED_BYTES + number.length) return frame
  number.copy(frame, FIXED_BYTES + random(frame.length - FIXED_BYTES - number.length))
  return frame
}

function otherApi(frame: Buffer, random: SeededRandom): Buffer {
  frame.writeInt16BE(random(100) - 5, 4)
  return frame
}

function otherVersion(frame: Buffer, random: SeededRandom): Buffer {
  frame.writeInt16BE(random(22) - 2, 6)
  return frame
}

function repeatPiece(frame: Buffer, random: SeededRandom): Buffer {
  const start = FIXED_BYTES + random(Math.max(1, frame.length - FIXED_BYTES))
  const end = start + random(Math.max(1, frame.length - start + 1))
  return resized(Buffer.concat([frame.subarray(0, end), frame.subarray(start)]))
}

/** The frame with the size that it has. */
function resized(frame: Buffer): Buffer {
  frame.writeInt32BE(frame.length - 4)
  return frame
}

function noise(random: SeededRandom, atMost: number): Buffer {
  return Buffer.from(Array.from({ length: random(atMost) }, () => random(256)))
}

const byteMutations: readonly ((bytes: Buffer, random: SeededRandom) => Buffer)[] = [
  changeBytes,
  changeBytes,
  plantAnywhere,
  plantAnywhere,
  (bytes, random) => bytes.subarray(0, random(bytes.length + 1)),
  (bytes, random) => Buffer.concat([bytes, noise(random, 20)]),
  insertBytes,
  removeBytes,
  (bytes, random) => changeBytes(plantAnywhere(bytes, random), random),
]

/** Any bytes with something wrong about them; nothing is known of what they are. */
export function mutateBytes(bytes: Buffer, random: SeededRandom): Buffer {
  return byteMutations[random(byteMutations.length)]!(Buffer.from(bytes), random)
}

const nastyBytes = [0x00, 0x01, 0x02, 0x7f, 0x80, 0xff]

function changeBytes(bytes: Buffer, random: SeededRandom): Buffer {
  for (let changes = 1 + random(4); changes > 0 && bytes.length > 0; changes--) {
    const choice = random(nastyBytes.length * 2)
    bytes[random(bytes.length)] = nastyBytes[choice] ?? random(256)
  }
  return bytes
}

function plantAnywhere(bytes: Buffer, random: SeededRandom): Buffer {
  const number = Buffer.from(nastyNumbers[random(nastyNumbers.length)]!, 'hex')
  if (bytes.length > number.length) number.copy(bytes, random(bytes.length - number.length))
  return bytes
}

function insertBytes(bytes: Buffer, random: SeededRandom): Buffer {
  const at = random(bytes.length + 1)
  return Buffer.concat([bytes.subarray(0, at), noise(random, 9), bytes.subarray(at)])
}

function removeBytes(bytes: Buffer, random: SeededRandom): Buffer {
  const at = random(bytes.length + 1)
  return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1 + random(8))])
}
